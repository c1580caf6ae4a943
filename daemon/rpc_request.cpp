// SPDX-License-Identifier: MIT
//
// Any other request of MCP: what the table of methods lets a client send is relayed; what belongs
// to the daemon's own conversation with the server is not.
#include "daemon/handlers.hpp"
#include "daemon/large_request.hpp"
#include "daemon/request.hpp"
#include "daemon/server_call.hpp"
#include "io/mcp/meta.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/payload_codec.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;

Failure rejected(std::string text) {
  return fail(ErrorKind::kUnsupported, ErrorCode::kUnknownMethod, std::move(text));
}

/// The table's word on a method that a client asks for.
Result<const mcp::MethodFacts*> find_relayed(std::string_view name) {
  static constexpr std::array<std::string_view, 2> kShared = {"resources/subscribe",
                                                              "resources/unsubscribe"};
  const std::string quoted = "'" + std::string(name.substr(0, 64)) + "'";
  const mcp::MethodFacts* const method = mcp::find_method(name);
  if (method == nullptr) return rejected(quoted + " is no method of MCP that mcpwire knows");
  if (method->kind != mcp::MethodKind::kRequest || method->to_server.empty()) {
    return rejected(quoted + " is nothing that a client may request");
  }
  if (name == mcp::kInitialize) {
    return rejected(quoted + " belongs to the daemon: it keeps the servers initialized");
  }
  for (const std::string_view shared : kShared) {
    if (name == shared) {
      return rejected(quoted +
                      " belongs to the daemon: subscriptions/listen does it, for all eras");
    }
  }
  return method;
}

/// Moves `_meta` out of foreign parameters: it travels beside them.
Result<void> take_meta(json::ValueReader& reader, std::string_view params, ServerCall& call,
                       std::string& meta) {
  call.params = params;
  // A key with escapes may be it as well.
  if (params.find("_meta") == params.npos && params.find('\\') == params.npos) return {};
  io::SplitParams split = TRY(io::split_meta(reader, params));
  if (split.meta.empty()) return {};
  if (!meta.empty()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
                std::string("_meta stands in the parameters and beside them"));
  }
  call.params = std::move(split.params);
  meta = std::move(split.meta);
  return {};
}

Result<ServerCall> parse_request(json::ValueReader& reader, std::string_view payload) {
  const protocol::PayloadReader fields(as_bytes(payload));
  const auto fixed = TRY(fields.fixed<protocol::RpcRequest>());
  if (fixed.pages > protocol::Pages::kAll) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("neither one page nor all of them"));
  }
  const std::string_view params = TRY(fields.text(fixed.params));
  if (!params.empty()) TRY(check_object(reader, params, "the parameters are"));
  std::string meta(TRY(fields.text(fixed.meta)));
  if (!meta.empty()) TRY(check_object(reader, meta, "_meta is"));
  ServerCall call{
      .server = copy_text(TRY(fields.text(fixed.server))),
      .method = TRY(find_relayed(TRY(fields.text(fixed.method)))),
      .deadline_ns = fixed.deadline_ns,
      .abilities = mcp::ClientAbilities::from_bits(static_cast<std::uint32_t>(fixed.abilities))};
  TRY(take_meta(reader, params, call, meta));
  call.meta =
      TRY(build_meta(reader, meta, {fixed.trace_id, fixed.parent_span_id, fixed.trace_flags}));
  if (fixed.pages == protocol::Pages::kAll && !call.method->page_key.empty()) {
    call.pages = protocol::Pages::kAll;
  }
  return call;
}

bool is_listen(std::string_view payload) {
  const protocol::PayloadReader fields(as_bytes(payload));
  const auto fixed = fields.fixed<protocol::RpcRequest>();
  if (!fixed.has_value()) return false;
  const auto method = fields.text(fixed->method);
  return method.has_value() && *method == mcp::kListen;
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> serve_request(Session& session, std::uint64_t correlation,
                                     RequestPayload payload) {
  Request request(session, protocol::Method::kRequest, correlation, payload.view().size());
  request.publish(protocol::CallState::kClaimed);
  if (is_listen(payload.view())) {
    co_await serve_listen(request, std::string(payload.view()));
    co_return Result<void>{};
  }
  const bool is_large = payload.is_large();
  const Result<ServerCall> call =
      is_large ? co_await parse_large(request, std::move(payload), parse_request)
               : parse_request(session.services().values, payload.view());
  if (!call.has_value()) {
    request.answer_not_started(call.error());
    co_return Result<void>{};
  }
  answer_with(request, co_await send_to_server(request, *call));
  payload.release();
  co_return Result<void>{};
}

}  // namespace mcpwire::daemon
