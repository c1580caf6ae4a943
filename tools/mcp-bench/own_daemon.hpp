// SPDX-License-Identifier: MIT
//
// OwnDaemon: a daemon and demo servers for one measurement, in a folder of their own. All are gone
// when it is destroyed.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "protocol/base/result.hpp"
#include "tools/mcp-bench/host.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::bench_tool {

/// The name of server number `index`: "demo", "demo2", ...
std::string server_name(std::size_t index);

/// One checked round trip to the `echo` of a demo server.
Result<void> echo_call(client::Connection& connection, std::string_view server);

struct ProcessorTimes {
  std::uint64_t daemon_ns = 0;
  std::uint64_t servers_ns = 0;  ///< Of all servers that run.
};

class OwnDaemon {
 public:
  /// Nothing is started before the first connect().
  static Result<OwnDaemon> create(std::size_t servers = 1);
  /// One server, "demo", that runs already.
  static Result<OwnDaemon> create_for_url(const std::string& url);
  OwnDaemon(OwnDaemon&& other) noexcept;
  OwnDaemon& operator=(OwnDaemon&&) = delete;
  /// Ends the daemon and waits until its process is gone, so that nothing disturbs the next run.
  ~OwnDaemon();

  /// How to reach it; its configuration names the servers. To be adapted.
  const client::ConnectOptions& connect_options() const noexcept { return options_; }
  /// connect_options(), or an adapted copy of them.
  Result<client::Connection> connect(const client::ConnectOptions& options);

  /// So far, of all threads. `connection` is one to this daemon.
  Result<ProcessorTimes> processor_times(client::Connection& connection) const;
  std::int32_t process_id() const noexcept { return process_id_; }

 private:
  static Result<OwnDaemon> create_with(const std::string& configuration);
  OwnDaemon(ScratchDirectory scratch, client::ConnectOptions options) noexcept;

  ScratchDirectory scratch_;
  client::ConnectOptions options_;
  std::int32_t process_id_ = 0;
};

}  // namespace mcpwire::bench_tool
