// SPDX-License-Identifier: MIT
//
// The demo server driven over its own pipes: what a program that embeds an MCP client pays.
#include "tools/mcp-bench/checksum.hpp"
#include "tools/mcp-bench/direct_server.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <csignal>

#include <string>
#include <string_view>

namespace mcpwire::bench_tool {
namespace {

std::string request_line(const LatencyOptions& options, std::uint64_t id) {
  std::string line = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
  if (options.method == Method::kPing) return line + R"(,"method":"ping"})" + "\n";
  if (options.method == Method::kBlob) {
    return line + R"(,"method":"tools/call","params":{"name":"blob","arguments":{"bytes":)" +
           std::to_string(options.payload_bytes) + "}}}\n";
  }
  line += R"(,"method":"tools/call","params":{"name":"echo","arguments":{"message":")";
  line.append(options.payload_bytes, 'x');
  return line + "\"}}}\n";
}

}  // namespace

Result<LatencySummary> measure_direct(const LatencyOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  DirectServer server = TRY(DirectServer::start(TRY(sibling_program("mcpwire-demo-server"))));
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(server.process_id(), pin_at(options.pins, 2)));
  TRY(server.initialize());
  const std::string expected(options.payload_bytes, 'x');
  const std::uint64_t expected_sum = checksum(expected);
  std::uint64_t id = 0;
  return time_round_trips(options, [&]() -> Result<void> {
    const std::string_view answer = TRY(server.exchange(request_line(options, ++id)));
    const bool has_id =
        answer.substr(0, 256).find("\"id\":" + std::to_string(id)) != std::string_view::npos;
    if (options.method == Method::kBlob) TRY(check_blob(answer, expected, expected_sum));
    const bool has_text =
        options.method == Method::kPing || answer.find(expected) != std::string_view::npos;
    if (!has_id || !has_text) return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    return {};
  });
}

}  // namespace mcpwire::bench_tool
