// SPDX-License-Identifier: MIT
#include "daemon/tool_catalogue.hpp"

#include "io/mcp/pages.hpp"
#include "protocol/base/check.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/method.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace mcpwire::daemon {

namespace json = protocol::json;
namespace mcp = protocol::mcp;

Error error_of_reply(const io::RpcReply& reply) {
  if (reply.outcome != protocol::Outcome::kPeerError) return reply.error;
  static constexpr std::array<std::string_view, 1> kNames = {"message"};
  std::array<std::string_view, 1> values;
  json::ValueReader reader;
  std::string text = "the server answered with an error";
  if (reader.extract_fields(reply.body, kNames, values).has_value() && !values[0].empty()) {
    const Result<std::string> message = json::decode_string(values[0]);
    if (message.has_value()) text = *message;
  }
  return Error::with_detail(ErrorKind::kUnsupported, ErrorCode::kPeerError, std::move(text));
}

// The transport is leased by the caller for longer than this task runs.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<std::string>> fetch_tools(io::McpTransport& transport, io::RequestOptions options) {
  const mcp::MethodFacts* const method = mcp::find_method(mcp::kToolsList);
  MCPWIRE_CHECK(method != nullptr);
  const io::RpcReply reply = co_await io::fetch_pages(transport, *method, {}, options);
  if (reply.outcome != protocol::Outcome::kOk) co_return fail(error_of_reply(reply));
  co_return std::string(reply.body.view());
}

}  // namespace mcpwire::daemon
