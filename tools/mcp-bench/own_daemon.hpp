// SPDX-License-Identifier: MIT
//
// OwnDaemon: a daemon and a demo server for one measurement, in a folder of their own. Both are
// gone when it is destroyed.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "protocol/base/result.hpp"
#include "tools/mcp-bench/host.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::bench_tool {

class OwnDaemon {
 public:
  /// Nothing is started before the first connect().
  static Result<OwnDaemon> create();
  OwnDaemon(OwnDaemon&& other) noexcept;
  OwnDaemon& operator=(OwnDaemon&&) = delete;
  /// Ends the daemon and waits until its process is gone, so that nothing disturbs the next run.
  ~OwnDaemon();

  /// How to reach it; its configuration names one server, "demo". To be adapted.
  const client::ConnectOptions& connect_options() const noexcept { return options_; }
  /// connect_options(), or an adapted copy of them.
  Result<client::Connection> connect(const client::ConnectOptions& options);

  /// Processor time of all threads of the daemon so far. REQUIRES: connect() was successful.
  Result<std::uint64_t> processor_time_ns() const;
  std::int32_t process_id() const noexcept { return process_id_; }

 private:
  OwnDaemon(ScratchDirectory scratch, client::ConnectOptions options) noexcept;

  ScratchDirectory scratch_;
  client::ConnectOptions options_;
  std::int32_t process_id_ = 0;
};

}  // namespace mcpwire::bench_tool
