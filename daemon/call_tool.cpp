// SPDX-License-Identifier: MIT
//
// tools/call: the daemon's half of the way from a ring to a server and back.
#include "daemon/handlers.hpp"
#include "daemon/request.hpp"
#include "daemon/server_call.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/json/value.hpp"
#include "protocol/json/writer.hpp"
#include "protocol/payload_codec.hpp"

#include <cstddef>
#include <utility>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;

std::string call_params(std::string_view tool, std::string_view arguments) {
  std::string params = take_text(tool.size() + arguments.size() + 32);
  json::Writer(params)
      .begin_object()
      .key("name")
      .string(tool)
      .key("arguments")
      .raw(arguments)
      .end_object();
  return params;
}

Result<ServerCall> parse_call(json::ValueReader& reader, std::string_view payload) {
  constexpr std::size_t kRequired = offsetof(protocol::CallToolRequest, abilities);
  const protocol::PayloadReader fields(as_bytes(payload));
  const auto fixed = TRY((fields.fixed<protocol::CallToolRequest, kRequired>()));
  std::string_view arguments = TRY(fields.text(fixed.arguments));
  if (arguments.empty()) arguments = "{}";
  // Unparsed from here on: what is not one whole JSON object could smuggle a second message.
  TRY(check_object(reader, arguments, "the arguments are"));
  const std::string_view meta = TRY(fields.text(fixed.meta));
  if (!meta.empty()) TRY(check_object(reader, meta, "_meta is"));
  static const mcp::MethodFacts* const kCall = mcp::find_method(mcp::kToolsCall);
  return ServerCall{
      .server = TRY(fields.text(fixed.server)),
      .method = kCall,
      .params = call_params(TRY(fields.text(fixed.tool)), arguments),
      .meta =
          TRY(build_meta(reader, meta, {fixed.trace_id, fixed.parent_span_id, fixed.trace_flags})),
      .deadline_ns = fixed.deadline_ns,
      .abilities = mcp::ClientAbilities::from_bits(static_cast<std::uint32_t>(fixed.abilities))};
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> serve_call_tool(Session& session, std::uint64_t correlation,
                                       std::string payload) {
  Request request(session, protocol::Method::kCallTool, correlation, payload.size());
  request.publish(protocol::CallState::kClaimed);
  ++session.services().counters.calls;

  Result<ServerCall> call = parse_call(session.services().values, payload);
  if (!call.has_value()) {
    request.answer_not_started(call.error());
    co_return Result<void>{};
  }
  answer_with(request, co_await send_to_server(request, *call));
  recycle_text(std::move(call->params));
  recycle_text(std::move(payload));
  co_return Result<void>{};
}

}  // namespace mcpwire::daemon
