// SPDX-License-Identifier: MIT
//
// Host: what the server needs from the system, apart from its two streams. The real one is
// tools/demo_server/stdio_host.hpp.
#pragma once

#include <cstdint>
#include <string_view>

namespace mcpwire::demo {

class Host {
 public:
  virtual std::uint64_t monotonic_ns() const noexcept = 0;

  /// Writes to standard error as it is.
  virtual void log(std::string_view text) noexcept = 0;

  /// Appends `line` and a newline, as one write, to the file that MCPWIRE_LEDGER names. False if
  /// the variable is not set or the file cannot be written.
  virtual bool append_to_ledger(std::string_view line) noexcept = 0;

  /// Writes `answers` that are still due and ends the process with status 1.
  [[noreturn]] virtual void crash(std::string_view answers) noexcept = 0;

 protected:
  ~Host() = default;
};

}  // namespace mcpwire::demo
