// SPDX-License-Identifier: MIT
//
// The demo server over HTTP, called by one libcurl handle that keeps its connection: what a program
// that embeds an MCP client over HTTP pays at least.
#include "io/http/blocking_post.hpp"
#include "protocol/mcp/meta.hpp"
#include "protocol/mcp/revision.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/http_server.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <string>
#include <string_view>

namespace mcpwire::bench_tool {
namespace {

namespace mcp = protocol::mcp;

std::string body_of(std::uint64_t id, const std::string& message) {
  std::string body = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
  body += R"(,"method":"tools/call","params":{"_meta":{")";
  body.append(mcp::kMetaProtocolVersion).append("\":\"");
  body.append(mcp::facts_of(mcp::kNewestRevision).name).append("\",\"");
  body.append(mcp::kMetaClientCapabilities).append("\":{}},");
  return body + R"("name":"echo","arguments":{"message":")" + message + "\"}}}";
}

}  // namespace

Result<LatencySummary> measure_direct_http(const LatencyOptions& options) {
  const HttpServerProcess server = TRY(HttpServerProcess::start());
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(server.process_id(), pin_at(options.pins, 2)));
  io::BlockingPost http = TRY(io::BlockingPost::create(
      server.url(),
      {"Content-Type: application/json", "Accept: application/json, text/event-stream",
       "MCP-Protocol-Version: " + std::string(mcp::facts_of(mcp::kNewestRevision).name),
       "Mcp-Method: tools/call", "Mcp-Name: echo"}));
  const std::string expected(options.payload_bytes, 'x');
  std::uint64_t id = 0;
  return time_round_trips(options, [&]() -> Result<void> {
    const std::string_view answer = TRY(http.post(body_of(++id, expected)));
    if (answer.find(expected) == std::string_view::npos) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    }
    return {};
  });
}

}  // namespace mcpwire::bench_tool
