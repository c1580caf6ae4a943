// SPDX-License-Identifier: MIT
#include "client/connection.hpp"

#include "client/detail/requests.hpp"
#include "client/detail/session.hpp"
#include "protocol/mcp/method.hpp"

#include <utility>

namespace mcpwire::client {

using protocol::Method;
using protocol::Outcome;

namespace {

/// After a cancel the daemon's verdict comes at once; this is for a daemon that hangs.
constexpr std::uint64_t kCancelVerdictNs = 2 * kNanosecondsPerSecond;

std::uint64_t settle_time(std::uint64_t deadline_ns, std::uint64_t grace_ns) noexcept {
  if (deadline_ns == 0 || deadline_ns >= kNever - grace_ns) return kNever;
  return deadline_ns + grace_ns;
}

}  // namespace

Connection::Connection(std::unique_ptr<detail::Session> session) noexcept
    : session_(std::move(session)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::connect(const ConnectOptions& options) {
  return Connection(TRY(detail::Session::connect(options)));
}

const Agreement& Connection::agreement() const noexcept { return session_->agreement(); }

Result<void> Connection::ping(std::uint64_t deadline_ns) {
  TRY(session_->round_trip(Method::kPing, {}, deadline_ns));
  return {};
}

Result<std::vector<ServerSummary>> Connection::list_servers(std::uint64_t deadline_ns) {
  const std::string payload = TRY(session_->round_trip(Method::kListServers, {}, deadline_ns));
  return detail::decode_servers(as_bytes(payload));
}

Result<ToolsListing> Connection::list_tools(std::string_view server, std::uint32_t concurrency,
                                            std::uint64_t deadline_ns) {
  const std::string payload = TRY(session_->round_trip(
      Method::kListTools, detail::encode_list_tools(server, concurrency, deadline_ns),
      settle_time(deadline_ns, session_->options().deadline_grace_ns)));
  return detail::decode_tools(as_bytes(payload));
}

Result<DaemonStatus> Connection::status(std::uint64_t deadline_ns) {
  const std::string payload = TRY(session_->round_trip(Method::kStatus, {}, deadline_ns));
  return detail::decode_status(as_bytes(payload));
}

Result<void> Connection::shutdown(std::uint64_t deadline_ns) {
  TRY(session_->round_trip(Method::kShutdown, {}, deadline_ns));
  return {};
}

Result<std::uint64_t> Connection::start_call(const CallRequest& request) {
  return session_->start(Method::kCallTool, detail::encode_call(request, session_->abilities()),
                         settle_time(request.deadline_ns, session_->options().deadline_grace_ns));
}

Result<std::uint64_t> Connection::start_request(const McpRequest& request) {
  return session_->start(Method::kRequest, detail::encode_request(request, session_->abilities()),
                         settle_time(request.deadline_ns, session_->options().deadline_grace_ns));
}

Result<std::uint64_t> Connection::start_listen(const ListenRequest& request) {
  const std::string params = detail::listen_params(request);
  return start_request({.server = request.server,
                        .method = protocol::mcp::kListen,
                        .params_json = params,
                        .deadline_ns = request.deadline_ns});
}

Result<std::uint64_t> Connection::start_ping() {
  return session_->start(Method::kPing, {}, kNever);
}

std::optional<CallReply> Connection::wait(std::uint64_t correlation, std::uint64_t deadline_ns) {
  return session_->wait(correlation, deadline_ns);
}

void Connection::cancel(std::uint64_t correlation) { session_->cancel(correlation); }

bool Connection::was_interrupted() const noexcept { return session_->was_interrupted(); }

CallReply Connection::call_tool(const CallRequest& request) { return finish(start_call(request)); }

CallReply Connection::request(const McpRequest& request) { return finish(start_request(request)); }

CallReply Connection::finish(Result<std::uint64_t> started) {
  if (!started) {
    const bool gave_up = started.error().kind == ErrorKind::kCancelled;
    return {
        gave_up ? Outcome::kCancelled : Outcome::kNotSent, {}, std::move(started).error(), false};
  }
  if (auto reply = session_->wait(*started, kNever)) return std::move(*reply);
  session_->cancel(*started);
  auto reply = session_->wait(*started, monotonic_now_ns() + kCancelVerdictNs);
  return reply ? std::move(*reply) : session_->give_up(*started);
}

void Connection::on_progress(ProgressHandler handler) { session_->on_progress(std::move(handler)); }

void Connection::on_notification(NotificationHandler handler) {
  session_->on_notification(std::move(handler));
}

void Connection::on_server_request(protocol::mcp::ClientAbilities abilities,
                                   ServerRequestHandler handler) {
  session_->on_server_request(abilities, std::move(handler));
}

void Connection::answer_server(std::uint64_t correlation, std::uint64_t key, ServerAnswer answer) {
  session_->answer_server(correlation, key, std::move(answer));
}

std::uint64_t Connection::reconnects() const noexcept { return session_->reconnects(); }

}  // namespace mcpwire::client
