// SPDX-License-Identifier: MIT
//
// The whole way: client library, rings, a daemon of our own, a demo server of our own.
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/latency.hpp"

#include "client/connection.hpp"
#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"

#include <cerrno>
#include <cstdio>

#include <utility>

namespace mcpwire::bench_tool {
namespace {

Result<std::string> write_configuration(const ScratchDirectory& scratch) {
  const std::string path = scratch.path() + "/servers.json";
  const std::string server = TRY(sibling_program("mcpwire-demo-server"));
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Error::from_errno(ErrorKind::kConfiguration, errno, path));
  std::fprintf(file, R"({"mcpServers":{"demo":{"command":"%s"}}})", server.c_str());
  if (std::fclose(file) != 0)
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, path));
  return path;
}

Result<client::Connection> connect(const LatencyOptions& options, const ScratchDirectory& scratch) {
  client::ConnectOptions connect_options;
  connect_options.runtime_directory = scratch.path() + "/run";
  connect_options.config =
      client::ConfigReference{TRY(write_configuration(scratch)), protocol::ConfigOrigin::kExplicit};
  connect_options.working_directory = scratch.path();
  connect_options.client_name = "mcp-bench";
  connect_options.daemon_program = TRY(sibling_program("mcpwired"));
  if (options.socket_only) connect_options.ring_bytes = 0;
  if (options.spin_ns >= 0) connect_options.spin_ns = static_cast<std::uint64_t>(options.spin_ns);
  return client::Connection::connect(connect_options);
}

Result<void> pin_all(const LatencyOptions& options, client::Connection& connection) {
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(connection.agreement().daemon_pid, pin_at(options.pins, 1)));
  for (const client::ServerSummary& server : TRY(connection.list_servers())) {
    if (server.process_id != 0) TRY(pin_process(server.process_id, pin_at(options.pins, 2)));
  }
  return {};
}

/// Ends the daemon and waits until its process is gone, so that nothing disturbs the next run.
void stop_daemon(client::Connection& connection) {
  const UniqueFd process = open_process(connection.agreement().daemon_pid);
  if (connection.shutdown().has_value()) {
    wait_for_process_end(process, 10 * kNanosecondsPerSecond);
  }
}

Result<LatencySummary> measure(const LatencyOptions& options, client::Connection& connection) {
  const std::string expected(options.payload_bytes, 'x');
  const std::string arguments = "{\"message\":\"" + expected + "\"}";
  const auto call = [&]() -> Result<void> {
    const client::CallReply reply = connection.call_tool({"demo", "echo", arguments});
    if (reply.outcome != protocol::Outcome::kOk) return fail(reply.error);
    if (reply.body.find(expected) == std::string::npos) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    }
    return {};
  };
  TRY(call());  // starts the server, so that it can be pinned
  TRY(pin_all(options, connection));
  if (options.method == Method::kCall) return time_round_trips(options, call);
  return time_round_trips(options, [&] { return connection.ping(); });
}

}  // namespace

Result<LatencySummary> measure_daemon(const LatencyOptions& options) {
  const ScratchDirectory scratch = TRY(ScratchDirectory::create());
  client::Connection connection = TRY(connect(options, scratch));
  Result<LatencySummary> summary = measure(options, connection);
  stop_daemon(connection);
  return summary;
}

}  // namespace mcpwire::bench_tool
