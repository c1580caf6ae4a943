// SPDX-License-Identifier: MIT
#include "io/stdio_transport.hpp"

#include "io/redaction.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"

#include <utility>

namespace mcpwire::io {

using protocol::Outcome;

StdioTransport::StdioTransport(EventLoop& loop, ProcessSpawner& spawner, RpcCodec& codec,
                               StdioTransportOptions options)
    : loop_(loop), spawner_(spawner), codec_(codec), options_(std::move(options)) {}

StdioTransport::~StdioTransport() = default;

// --- Opening ---------------------------------------------------------------------------------

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> StdioTransport::open(CancelScope& scope, std::uint64_t deadline_ns) {
  MCPWIRE_CHECK(state_ == State::kNew);
  if (scope.is_cancelled()) co_return fail(error_of(scope.cause()));
  const Result<void> started = start_process();
  if (!started.has_value()) {
    state_ = State::kEnded;
    co_return fail(started.error());
  }
  state_ = State::kOpening;
  const Result<void> agreed = co_await agree(scope, deadline_ns);
  if (agreed.has_value()) co_return agreed;
  state_ = State::kEnded;
  co_await give_up_process(agreed.error());
  co_return agreed;
}

Result<void> StdioTransport::start_process() {
  detail::StdioConnection::Owner& owner = *this;  // A private base: only this class may convert.
  connection_ = TRY(detail::StdioConnection::start(loop_, spawner_, codec_, options_, owner));
  return {};
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> StdioTransport::agree(CancelScope& scope, std::uint64_t deadline_ns) {
  NegotiationPeer& peer = *this;
  Negotiation negotiation(loop_, codec_.values, peer, options_.negotiation);
  Result<ServerInfo> info = co_await negotiation.run(scope, deadline_ns);
  if (!info.has_value()) co_return fail(info.error());
  // The server may have answered and died before this coroutine ran, or close() was called.
  if (state_ != State::kOpening || !is_alive()) co_return fail(connection_->exit_error());
  server_info_ = *std::move(info);
  detail::RpcSession& session = connection_->session();
  session.begin(server_info_.revision);
  if (!protocol::mcp::is_modern(server_info_.revision)) {
    session.notify(protocol::mcp::kInitialized, {});
  }
  state_ = State::kOpen;
  co_return Result<void>{};
}

/// Nothing of it is left afterwards.
task<void> StdioTransport::give_up_process(Error why) {
  if (connection_ == nullptr) co_return;
  connection_->end_quietly(why);
  connection_->kill_now();
  co_await connection_->wait_for_exit();
}

// --- The negotiation's view ------------------------------------------------------------------

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> StdioTransport::ask(std::string method, std::string params, CancelScope& scope,
                                   std::uint64_t deadline_ns) {
  RequestOptions options;
  options.scope = &scope;
  options.deadline_ns = deadline_ns;
  RpcReply reply = co_await connection_->session().request(method, params, options);
  co_return std::move(reply);
}

bool StdioTransport::is_alive() const noexcept {
  return connection_ != nullptr && connection_->is_alive();
}

bool StdioTransport::has_unread() const noexcept {
  return connection_ != nullptr && connection_->has_unread();
}

task<Result<void>> StdioTransport::restart() {
  co_await give_up_process(Error::of(ErrorKind::kCancelled, ErrorCode::kClosed));
  // close() may have come meanwhile.
  if (state_ != State::kOpening) {
    co_return fail(ErrorKind::kCancelled, ErrorCode::kShuttingDown);
  }
  connection_.reset();
  const Result<void> started = start_process();
  co_return started;
}

std::string StdioTransport::shown(std::string_view text) const {
  return io::shown_text(text, options_.server);
}

std::string StdioTransport::with_last_words(std::string text) const {
  return connection_ != nullptr ? connection_->with_last_words(std::move(text)) : text;
}

// --- Requests --------------------------------------------------------------------------------

bool StdioTransport::is_open() const noexcept { return state_ == State::kOpen && is_alive(); }

task<RpcReply> StdioTransport::request(std::string_view method, std::string_view params,
                                       RequestOptions options) {
  MCPWIRE_CHECK(options.scope != nullptr);
  if (!is_open()) {
    co_return RpcReply{
        Outcome::kNotSent, {}, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed), false};
  }
  co_return co_await connection_->session().request(method, params, options);
}

void StdioTransport::on_notification(std::string_view method, std::string_view params) {
  if (message_observer_ != nullptr) message_observer_->on_notification(method, params);
}

void StdioTransport::on_junk_line(std::string_view line) {
  if (message_observer_ != nullptr) message_observer_->on_junk_line(line);
}

// --- Ending ----------------------------------------------------------------------------------

void StdioTransport::on_connection_ended(const Error& why) {
  // While it is being opened, open() itself reports the failure.
  if (state_ != State::kOpen) return;
  state_ = State::kEnded;
  if (close_observer_ != nullptr) close_observer_->on_transport_closed(why);
}

task<void> StdioTransport::close() {
  state_ = State::kEnded;
  if (connection_ == nullptr) co_return;
  connection_->end_quietly(Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown));
  co_await connection_->wait_for_exit();
}

std::int32_t StdioTransport::process_id() const noexcept {
  return connection_ != nullptr ? connection_->process_id() : 0;
}

std::string StdioTransport::stderr_tail() const {
  return connection_ != nullptr ? connection_->stderr_text() : std::string();
}

const TransportCounters& StdioTransport::counters() const noexcept {
  static const TransportCounters kNone;
  return connection_ != nullptr ? connection_->session().counters() : kNone;
}

}  // namespace mcpwire::io
