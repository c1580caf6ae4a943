// SPDX-License-Identifier: MIT
//
// tools/call: the daemon's half of the way from a ring to a server and back.
#include "daemon/config/escape.hpp"
#include "daemon/handlers.hpp"
#include "daemon/large_request.hpp"
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

/// JSON cannot carry any other name: what it would be made into may be another tool's.
Result<std::string_view> check_name(std::string_view name) {
  if (config::is_utf8(name)) return name;
  constexpr std::size_t kShownBytes = 64;
  return fail(
      ErrorKind::kInvalid, ErrorCode::kMalformedJson,
      "the tool's name is not UTF-8: " + config::quote_exactly(name.substr(0, kShownBytes)));
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
      .server = copy_text(TRY(fields.text(fixed.server))),
      .method = kCall,
      .params = call_params(TRY(check_name(TRY(fields.text(fixed.tool)))), arguments),
      .meta =
          TRY(build_meta(reader, meta, {fixed.trace_id, fixed.parent_span_id, fixed.trace_flags})),
      .deadline_ns = fixed.deadline_ns,
      .abilities = mcp::ClientAbilities::from_bits(static_cast<std::uint32_t>(fixed.abilities))};
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> serve_call_tool(Session& session, std::uint64_t correlation,
                                       RequestPayload payload) {
  Request request(session, protocol::Method::kCallTool, correlation, payload.view().size());
  request.publish(protocol::CallState::kClaimed);
  ++session.services().counters.calls;

  const bool is_large = payload.is_large();
  Result<ServerCall> call = is_large ? co_await parse_large(request, std::move(payload), parse_call)
                                     : parse_call(session.services().values, payload.view());
  if (!call.has_value()) {
    request.answer_not_started(call.error());
    co_return Result<void>{};
  }
  answer_with(request, co_await send_to_server(request, *call));
  recycle_text(std::move(call->params));
  recycle_text(std::move(call->server));
  payload.release();
  co_return Result<void>{};
}

}  // namespace mcpwire::daemon
