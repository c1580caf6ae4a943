// SPDX-License-Identifier: MIT
#include "daemon/server_call.hpp"

#include "daemon/call_limits.hpp"
#include "daemon/hidden_secrets.hpp"
#include "daemon/log_levels.hpp"
#include "daemon/server_access.hpp"
#include "daemon/subscriptions.hpp"
#include "io/mcp/exchange.hpp"
#include "io/mcp/pages.hpp"
#include "io/mcp/result_type.hpp"
#include "io/mcp/splice.hpp"
#include "io/sleep.hpp"
#include "protocol/base/hex.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/json/fault.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;
using protocol::Outcome;

constexpr int kAttemptsMax = 3;

/// The raw value at a path of names with dots between them; empty if it is not there.
std::string_view value_at(json::ValueReader& reader, std::string_view object,
                          std::string_view path) {
  while (!path.empty() && !object.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::array<std::string_view, 1> names = {path.substr(0, dot)};
    std::array<std::string_view, 1> values;
    if (!reader.extract_fields(object, names, values).has_value()) return {};
    object = values[0];
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return object;
}

/// Nothing is sent to a server that said that it cannot do it.
Result<void> check_server(json::ValueReader& reader, const mcp::MethodFacts& method,
                          const io::ServerInfo& server) {
  if (!method.to_server.contains(server.revision)) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kUnknownMethod,
                "'" + std::string(method.name) + "' does not exist in MCP revision " +
                    std::string(mcp::facts_of(server.revision).name) + ", which the server speaks");
  }
  std::string path(mcp::needed_capability(method, server.revision));
  std::string_view declared =
      path.empty() ? std::string_view("true") : value_at(reader, server.capabilities_json, path);
  const bool needs_extension = mcp::is_modern(server.revision) && !method.modern_extension.empty();
  if (needs_extension) {
    path = method.modern_extension;
    const std::array<std::string_view, 1> names = {method.modern_extension};
    std::array<std::string_view, 1> values;
    const std::string_view all = value_at(reader, server.capabilities_json, "extensions");
    if (!all.empty()) static_cast<void>(reader.extract_fields(all, names, values));
    declared = values[0];
  }
  if (!declared.empty() && declared != "false" && declared != "null") return {};
  return fail(ErrorKind::kUnsupported, ErrorCode::kUnknownMethod,
              "the server does not offer '" + std::string(method.name) +
                  "': it did not declare the capability '" + path + "'");
}

/// Provably not sent because the server was just ending: a fresh process may be tried.
bool was_too_late(const io::RpcReply& reply) {
  return reply.outcome == Outcome::kNotSent && reply.error.kind == ErrorKind::kDisconnected;
}

/// Sent, and then its server was lost.
bool was_lost(const io::RpcReply& reply) {
  return reply.outcome == Outcome::kUnknown && reply.error.kind == ErrorKind::kDisconnected;
}

/// The request itself, over an open connection. `{"<key>":[...]}` where all pages are wanted.
// All of it lives in send_to_server's frame.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<io::RpcReply> send_all_pages(io::McpTransport& transport,
                                      const ServerCall& call,  // outlives: awaited at once
                                      io::RequestOptions options) {
  io::RpcReply reply =
      co_await io::fetch_pages(transport, *call.method, call.all_params(), options);
  if (reply.outcome == Outcome::kOk) {
    reply.body = io::with_member({}, call.method->page_key, reply.body);
  }
  co_return std::move(reply);
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<io::RpcReply> send(Session& session, pool::Lease& lease,  // outlive: awaited at once
                            const ServerCall& call,                // outlives: awaited at once
                            io::RequestOptions options) {
  Services& services = session.services();
  io::McpTransport& transport = lease.transport();
  if (services.log_levels != nullptr) {
    // Each client has its own; a level that there is none of is the server's to refuse.
    const bool is_level = call.method->name == mcp::kSetLevel;
    const auto level = is_level ? read_log_level(services.values, call.all_params()) : std::nullopt;
    if (level.has_value()) return services.log_levels->set(&session, lease, *level, options);
    services.log_levels->on_use(lease.connection());
  }
  if (call.pages == protocol::Pages::kAll) return send_all_pages(transport, call, options);
  if (services.subscriptions != nullptr) options.task_news = &services.subscriptions->task_news();
  return io::exchange(services.loop, transport, call.method->name, call.all_params(),
                      std::move(options));
}

bool is_tool_call(const ServerCall& call) { return call.method->name == mcp::kToolsCall; }

/// All but its times.
io::RequestOptions options_of(Request& request, const ServerCall& call) {
  io::RequestOptions options{
      .scope = &request.scope(), .observer = &request, .progress = &request, .meta = call.meta};
  options.params_memory = call.large_params;
  options.server_requests = request.accept_questions(call.abilities);
  if (options.server_requests != nullptr) options.abilities = call.abilities;
  // Tasks are driven to their end here, whoever asked.
  if (is_tool_call(call)) options.abilities = options.abilities | mcp::ClientAbility::kTasks;
  return options;
}

}  // namespace

Result<void> check_object(json::ValueReader& reader, std::string_view text, std::string_view what) {
  const Result<json::ValueKind> kind = reader.validate(text);
  if (!kind.has_value()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
                std::string(what) +
                    " not valid JSON: " + std::string(json::json_fault_text(reader.last_fault())));
  }
  if (*kind != json::ValueKind::kObject) {
    return fail(ErrorKind::kInvalid, ErrorCode::kArgumentsNotObject);
  }
  return {};
}

Result<std::string> build_meta(json::ValueReader& reader, std::string_view meta,
                               const TraceContext& trace) {
  if (std::ranges::count(trace.trace_id, 0) == 16) return std::string(meta);
  static constexpr std::array<std::string_view, 1> kNames = {"traceparent"};
  std::array<std::string_view, 1> values;
  if (!meta.empty()) TRY(reader.extract_fields(meta, kNames, values));
  if (!values[0].empty()) return std::string(meta);
  std::string parent = "\"00-";
  append_hex(parent, std::as_bytes(std::span(trace.trace_id)));
  parent += '-';
  append_hex(parent, std::as_bytes(std::span(trace.parent_span_id)));
  parent += '-';
  append_hex(parent, std::as_bytes(std::span(&trace.trace_flags, 1)));
  parent += '"';
  return io::with_member(meta, "traceparent", parent);
}

// Request and call live in the frame of the handler that awaits this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<io::RpcReply>> send_to_server(
    Request& request,
    const ServerCall& call) {  // outlives: its callers await in the same expression
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
  request.set_server(call.server, (*found).server->spec->identity);
  io::RequestOptions options = options_of(request, call);
  const bool is_call = is_tool_call(call);
  bool may_repeat = call.method->is_safe_to_repeat;
  for (int attempt = 1;; ++attempt) {
    Result<pool::Lease> lease = co_await lease_server(services.pool, *found, request.scope());
    if (!lease.has_value()) co_return fail(std::move(lease).error());
    // A call goes out in any case: servers without tools say so themselves.
    Result<void> offered;
    if (!is_call) {
      offered = check_server(services.values, *call.method, lease->transport().server_info());
    }
    if (!offered.has_value()) co_return fail(std::move(offered).error());
    const CallLimits limits =
        call_limits(services.loop.now_ns(), call.deadline_ns, (*found).server->timeout_ns);
    options.deadline_ns = limits.deadline_ns;
    options.inactivity_ns = limits.inactivity_ns;
    deadline.set(kNever);
    if (is_call) ++lease->connection().calls;
    io::RpcReply reply = co_await send(session, *lease, call, options);
    const bool was_unsent = was_too_late(reply);
    const bool repeats = may_repeat && was_lost(reply);
    if (attempt == kAttemptsMax || !(was_unsent || repeats)) {
      io::require_object(reply);
      hide_secrets(services.values, *found->server->spec, reply);
      co_return std::move(reply);
    }
    if (repeats) may_repeat = false;
    // What was sent once stays so in the call word.
    if (was_unsent) request.publish(protocol::CallState::kClaimed);
    if (call.deadline_ns != 0) deadline.set(call.deadline_ns);
  }
}

void answer_with(Request& request, const Result<io::RpcReply>& reply) {
  if (!reply.has_value()) return request.answer_not_started(reply.error());
  switch (reply->outcome) {
    case Outcome::kOk:
      return request.answer_ok(reply->body);
    case Outcome::kPeerError:
      return request.answer_peer_error(reply->body);
    default:
      return request.answer_failure(reply->outcome, reply->error, reply->may_have_been_sent);
  }
}

}  // namespace mcpwire::daemon
