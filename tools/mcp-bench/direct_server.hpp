// SPDX-License-Identifier: MIT
//
// DirectServer: the demo server as a child of our own, driven over its pipes: what a program that
// embeds an MCP client has. Ends with its standard input.
//
// Threading: one thread; calls block.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mcpwire::bench_tool {

class DirectServer {
 public:
  static Result<DirectServer> start(const std::string& program);
  DirectServer(DirectServer&& other) noexcept;
  DirectServer& operator=(DirectServer&&) = delete;
  ~DirectServer();

  pid_t process_id() const noexcept { return process_id_; }

  /// The handshake of the legacy era.
  Result<void> initialize();
  /// Writes one line and reads one. The view is valid until the next call.
  Result<std::string_view> exchange(std::string_view line);

 private:
  DirectServer(UniqueFd input, UniqueFd output) noexcept;
  Result<void> write_all(std::string_view text);

  UniqueFd input_;
  UniqueFd output_;
  pid_t process_id_ = -1;
  std::string buffer_;
};

}  // namespace mcpwire::bench_tool
