// SPDX-License-Identifier: MIT
//
// tools/call: the daemon's half of the way from a ring to a server and back.
#include "daemon/call_limits.hpp"
#include "daemon/handlers.hpp"
#include "daemon/request.hpp"
#include "daemon/server_access.hpp"
#include "io/sleep.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/json/value.hpp"
#include "protocol/json/writer.hpp"
#include "protocol/payload_codec.hpp"

#include <optional>
#include <utility>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;
using protocol::Outcome;

/// A call as the client sent it; the views point into the request's payload.
struct ParsedCall {
  std::string_view server;
  std::string_view tool;
  std::string_view arguments;
  std::uint64_t deadline_ns = 0;
};

Result<ParsedCall> parse_call(json::ValueReader& reader, std::string_view payload) {
  const protocol::PayloadReader fields(as_bytes(payload));
  const auto fixed = TRY(fields.fixed<protocol::CallToolRequest>());
  ParsedCall call{TRY(fields.text(fixed.server)), TRY(fields.text(fixed.tool)),
                  TRY(fields.text(fixed.arguments)), fixed.deadline_ns};
  if (call.arguments.empty()) call.arguments = "{}";
  // Unparsed from here on: what is not one whole JSON object could smuggle a second message.
  const Result<json::ValueKind> kind = reader.validate(call.arguments);
  if (!kind.has_value()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
                std::string("the arguments are not valid JSON: ") +
                    std::string(json::json_fault_text(reader.last_fault())));
  }
  if (*kind != json::ValueKind::kObject) {
    return fail(ErrorKind::kInvalid, ErrorCode::kArgumentsNotObject);
  }
  return call;
}

std::string call_params(const ParsedCall& call) {
  std::string params = take_text(call.tool.size() + call.arguments.size() + 32);
  json::Writer(params)
      .begin_object()
      .key("name")
      .string(call.tool)
      .key("arguments")
      .raw(call.arguments)
      .end_object();
  return params;
}

void answer(Request& request, const io::RpcReply& reply) {
  switch (reply.outcome) {
    case Outcome::kOk:
      return request.answer_ok(reply.body);
    case Outcome::kPeerError:
      return request.answer_peer_error(reply.body);
    default:
      return request.answer_failure(reply.outcome, reply.error, reply.may_have_been_sent);
  }
}

/// Provably not sent because the server was just ending: a fresh process may be tried.
bool may_try_again(const io::RpcReply& reply) {
  return reply.outcome == Outcome::kNotSent && reply.error.kind == ErrorKind::kDisconnected;
}

constexpr int kAttemptsMax = 3;

// The request and the call live in serve_call_tool's frame.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<io::RpcReply>> send_call(Request& request,
                                         const ParsedCall& call) {  // outlives: the caller awaits
  Session& session = request.session();
  Services& services = session.services();
  // Bounds what comes before the request; the transport bounds the request itself.
  io::DeadlineTimer deadline(services.loop, request.scope());
  if (call.deadline_ns != 0) deadline.set(call.deadline_ns);

  ConfigurationPointer configuration = session.try_configuration();
  if (configuration == nullptr) {
    Result<ConfigurationPointer> loaded = co_await session.configuration(request.scope());
    if (!loaded.has_value()) co_return fail(std::move(loaded).error());
    configuration = *std::move(loaded);
  }
  const Result<FoundServer> found = find_server(std::move(configuration), call.server);
  if (!found.has_value()) co_return fail(found.error());

  std::string params = call_params(call);
  for (int attempt = 1;; ++attempt) {
    Result<pool::Lease> lease = co_await lease_server(services.pool, *found, request.scope());
    if (!lease.has_value()) co_return fail(std::move(lease).error());
    const CallLimits limits =
        call_limits(services.loop.now_ns(), call.deadline_ns, (*found).server->timeout_ns);
    deadline.set(kNever);
    ++lease->connection().calls;
    io::RpcReply reply = co_await lease->transport().request(
        "tools/call", params,
        {&request.scope(), limits.deadline_ns, limits.inactivity_ns, &request, &request});
    if (attempt == kAttemptsMax || !may_try_again(reply)) {
      recycle_text(std::move(params));
      co_return std::move(reply);
    }
    request.publish(protocol::CallState::kClaimed);
    if (call.deadline_ns != 0) deadline.set(call.deadline_ns);
  }
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> serve_call_tool(Session& session, std::uint64_t correlation,
                                       std::string payload) {
  Request request(session, protocol::Method::kCallTool, correlation, payload.size());
  request.publish(protocol::CallState::kClaimed);
  ++session.services().counters.calls;

  const Result<ParsedCall> call = parse_call(session.services().values, payload);
  if (!call.has_value()) {
    request.answer_not_started(call.error());
    co_return Result<void>{};
  }
  Result<io::RpcReply> reply = co_await send_call(request, *call);
  if (reply.has_value()) {
    answer(request, *reply);
  } else {
    request.answer_not_started(reply.error());
  }
  recycle_text(std::move(payload));
  co_return Result<void>{};
}

}  // namespace mcpwire::daemon
