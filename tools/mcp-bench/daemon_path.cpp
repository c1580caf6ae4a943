// SPDX-License-Identifier: MIT
//
// The whole way: client library, rings, a daemon of our own, a demo server of our own.
#include "tools/mcp-bench/checksum.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/http_server.hpp"
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <optional>

namespace mcpwire::bench_tool {
namespace {

Result<void> pin_all(const LatencyOptions& options, client::Connection& connection) {
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(connection.agreement().daemon_pid, pin_at(options.pins, 1)));
  for (const client::ServerSummary& server : TRY(connection.list_servers())) {
    if (server.process_id != 0) TRY(pin_process(server.process_id, pin_at(options.pins, 2)));
  }
  return {};
}

Result<LatencySummary> measure(const LatencyOptions& options, client::Connection& connection) {
  const std::string expected(options.payload_bytes, 'x');
  const std::string arguments = "{\"message\":\"" + expected + "\"}";
  const auto call = [&]() -> Result<void> {
    const client::CallReply reply = connection.call_tool({"demo", "echo", arguments});
    if (reply.outcome != protocol::Outcome::kOk) return fail(reply.error);
    if (reply.body.view().find(expected) == std::string::npos) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    }
    return {};
  };
  const std::uint64_t expected_sum = checksum(expected);
  const std::string blob_arguments = "{\"bytes\":" + std::to_string(options.payload_bytes) + "}";
  const auto blob = [&]() -> Result<void> {
    const client::CallReply reply = connection.call_tool({"demo", "blob", blob_arguments});
    if (reply.outcome != protocol::Outcome::kOk) return fail(reply.error);
    return check_blob(reply.body, expected, expected_sum);
  };
  TRY(call());  // starts the server, so that it can be pinned
  TRY(pin_all(options, connection));
  const client::LoopStatus before = TRY(look_at_loops(connection));
  RoundTrip round_trip = [&] { return connection.ping(); };
  if (options.method == Method::kCall) round_trip = call;
  if (options.method == Method::kBlob) round_trip = blob;
  LatencySummary summary = TRY(time_round_trips(options, round_trip));
  summary.loops = loop_figures(before, TRY(look_at_loops(connection)));
  return summary;
}

}  // namespace

Result<LatencySummary> measure_daemon(const LatencyOptions& options) {
  std::optional<HttpServerProcess> server;
  if (options.transport == Transport::kHttp) server.emplace(TRY(HttpServerProcess::start()));
  OwnDaemon daemon =
      TRY(server.has_value() ? OwnDaemon::create_for_url(server->url()) : OwnDaemon::create());
  client::ConnectOptions connect_options = daemon.connect_options();
  if (options.socket_only) connect_options.ring_bytes = 0;
  if (options.spin_ns >= 0) connect_options.spin_ns = static_cast<std::uint64_t>(options.spin_ns);
  client::Connection connection = TRY(daemon.connect(connect_options));
  return measure(options, connection);
}

}  // namespace mcpwire::bench_tool
