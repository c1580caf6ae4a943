// SPDX-License-Identifier: MIT
//
// StdioHost: standard input and output. One thread; reads block
// unless a call waits for its time, so an echo costs one read and one write.
#pragma once

#include "tools/demo_server/session.hpp"
#include "tools/demo_server/system_host.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::demo {

class StdioHost final : public SystemHost {
 public:
  explicit StdioHost(SessionOptions options) : session_(options, *this, out_) {}

  /// Serves until standard input ends. The process's exit status.
  int run();

  [[noreturn]] void crash(std::string_view answers) noexcept override;

 private:
  enum class Wait : std::uint8_t { kInput, kTime };

  Wait await_input() noexcept;
  void take_lines();
  bool flush();

  std::string out_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;    ///< First byte of the line that is not complete yet.
  std::size_t scanned_ = 0;  ///< Up to here that line holds no newline.
  std::size_t end_ = 0;
  bool must_poll_ = false;  ///< Standard input does not block.
  Session session_;
};

}  // namespace mcpwire::demo
