// SPDX-License-Identifier: MIT
//
// SystemHost: the clock, standard error and the ledger file, for every kind of stream.
#pragma once

#include "tools/demo_server/host.hpp"

#include <cstdint>
#include <string_view>

namespace mcpwire::demo {

class SystemHost : public Host {
 public:
  std::uint64_t monotonic_ns() const noexcept override;
  void log(std::string_view text) noexcept override;
  bool append_to_ledger(std::string_view line) noexcept override;

 protected:
  ~SystemHost() = default;
};

/// Writes all of `text`, waiting where nobody reads. False if nobody ever will.
bool write_all(int fd, std::string_view text) noexcept;

}  // namespace mcpwire::demo
