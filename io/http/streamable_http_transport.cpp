// SPDX-License-Identifier: MIT
#include "io/http/streamable_http_transport.hpp"

#include "io/detail/rpc_messages.hpp"
#include "io/http/detail/http_status.hpp"
#include "io/mcp/handshake.hpp"
#include "io/mcp/result_type.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"

#include <utility>

namespace mcpwire::io {

namespace mcp = protocol::mcp;
using detail::HttpCall;
using detail::HttpReply;
using mcp::RevisionFacts;
using protocol::Outcome;

namespace {

/// Notifications and answers on their way; one more is dropped: a server that does not read cannot
/// make us remember what it asked.
constexpr std::size_t kNoticesMax = 64;

}  // namespace

StreamableHttpTransport::StreamableHttpTransport(EventLoop& loop, HttpClient& client,
                                                 RpcCodec& codec, StreamableHttpOptions options)
    : loop_(loop),
      options_(std::move(options)),
      peer_{loop,
            client,
            codec,
            options_.endpoint,
            options_.limits,
            options_.outgoing,
            options_.endpoint.url},
      questions_(codec.values, as_answerer()),
      work_(loop) {}

StreamableHttpTransport::~StreamableHttpTransport() { MCPWIRE_CHECK(calls_.empty()); }

// --- Requests --------------------------------------------------------------------------------

task<RpcReply> StreamableHttpTransport::request(std::string_view method, std::string_view params,
                                                RequestOptions options) {
  MCPWIRE_CHECK(options.scope != nullptr);
  if (state_ != State::kOpen) {
    co_return RpcReply{
        Outcome::kNotSent, {}, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed), false};
  }
  const mcp::Revision revision = server_info_.revision;
  const ResultRules rules = result_rules(revision, method, options.abilities);
  const bool is_tools_list = method == mcp::kToolsList;
  Result<HttpCall::Message> message = message_of(method, params, options);
  if (!message.has_value()) {
    co_return RpcReply{Outcome::kRejected, {}, std::move(message).error(), false};
  }
  HttpReply reply = co_await exchange(*std::move(message), options);
  note_era(reply);
  apply_result_rules(peer_.codec.values, rules, reply.rpc);
  if (is_tools_list) note_tools(reply.rpc);
  co_return std::move(reply.rpc);
}

Result<HttpCall::Message> StreamableHttpTransport::message_of(std::string_view method,
                                                              std::string_view params,
                                                              const RequestOptions& options) {
  HttpCall::Message message;
  message.id = next_id_++;
  RequestMeta meta;
  std::string callers;
  if (!options.meta.empty()) {
    meta.callers = callers = TRY(caller_members(peer_.codec.values, options.meta));
  }
  meta.constant = constants_->members(options.abilities);
  if (options.progress != nullptr || options.inactivity_ns != kNever) {
    meta.progress_token = message.id;
  }
  message.body = detail::body_of_line(detail::request_line(message.id, method, params, meta));
  message.method = method;
  if (peer_.has(&RevisionFacts::wants_standard_headers)) message.params = params;
  return message;
}

task<HttpReply> StreamableHttpTransport::exchange(HttpCall::Message message,
                                                  RequestOptions options) {
  if (is_full(message)) {
    const Error full = Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                                          "too many requests to the server are under way");
    co_return HttpReply{RpcReply{Outcome::kRejected, {}, full, false}};
  }
  const std::uint64_t id = message.id;
  HttpCall::Owner& owner = *this;
  auto call = std::make_unique<HttpCall>(peer_, owner, std::move(message), options);
  calls_.emplace(id, call.get());
  begin(*call);
  Result<RpcReply> reply = co_await call->pending().wait();
  calls_.erase(id);
  questions_.forget(call->pending());
  HttpReply result;
  result.status = call->status();
  result.session_id = call->head().find("mcp-session-id");
  if (reply.has_value()) {
    result.rpc = *std::move(reply);
  } else {
    result.rpc = call->pending().failed_reply(reply.error());
    tell_cancelled(*call, reply.error());
  }
  finish(std::move(call));
  co_return std::move(result);
}

/// A modern server refuses a request with a modern error. One that refuses as legacy servers do
/// what comes before `initialize` has been replaced by such a one.
void StreamableHttpTransport::note_era(const HttpReply& reply) {
  if (!mcp::is_modern(server_info_.revision)) return;
  bool is_legacy = false;
  if (reply.rpc.outcome == Outcome::kPeerError) {
    is_legacy = reply.status == detail::kHttpRefused &&
                read_error_code(peer_.codec.values, reply.rpc.body) == detail::kSdkRefusal;
  } else if (reply.rpc.outcome == Outcome::kRejected) {
    is_legacy = reply.status == detail::kHttpRefused || reply.status == detail::kHttpNotFound ||
                reply.status == detail::kHttpMethodNotAllowed;
  }
  if (!is_legacy) return;
  has_changed_ = true;
  if (options_.verdicts != nullptr) options_.verdicts->forget(options_.identity);
}

/// Bodies wait for a server that does not take them; a single one may always wait.
bool StreamableHttpTransport::is_full(const HttpCall::Message& message) const noexcept {
  if (calls_.size() >= options_.requests_max) return true;
  std::size_t waiting_bytes = 0;
  for (const auto& [id, call] : calls_) {
    if (call->status() == 0) waiting_bytes += call->message().body->size();
  }
  return waiting_bytes > 0 &&
         waiting_bytes + message.body->size() > options_.limits.queue_bytes_max;
}

void StreamableHttpTransport::begin(HttpCall& call) {
  if (is_renewing_session_ && !call.message().is_handshake) {
    waiting_for_session_.push_back(call);
  } else {
    call.start();
  }
}

void StreamableHttpTransport::finish(std::unique_ptr<HttpCall> call) {
  call->unlink();
  if (state_ == State::kClosed || !call->has_tail()) return;
  call->become_tail();
  tails_.emplace(call.get(), std::move(call));
}

void StreamableHttpTransport::on_tail_end(HttpCall& call) { tails_.erase(&call); }

/// Closing the stream takes the request back where the revision says so; that happens by itself.
void StreamableHttpTransport::tell_cancelled(HttpCall& call, const Error& why) {
  const bool must_tell = call.pending().should_tell_server() && !call.message().is_handshake &&
                         state_ == State::kOpen && !peer_.has(&RevisionFacts::disconnect_cancels);
  if (!must_tell) return;
  const bool is_timeout = why.code == ErrorCode::kDeadlineExceeded;
  send_notice(
      detail::cancelled_line(call.message().id, is_timeout ? "timeout" : "cancelled by caller"),
      mcp::kCancelled);
}

void StreamableHttpTransport::send_notice(std::string line, std::string_view method) {
  if (notices_.size() < kNoticesMax) add_notice(notice_request(std::move(line), method));
}

HttpRequest StreamableHttpTransport::notice_request(std::string line, std::string_view method) {
  auto body = detail::body_of_line(std::move(line));
  if (options_.outgoing != nullptr) options_.outgoing->on_outgoing(*body);
  return peer_.post(std::move(body), method, {}, HttpRepeat::kNever);
}

detail::HttpNotice& StreamableHttpTransport::add_notice(HttpRequest request,
                                                        std::uint64_t patience_ns) {
  detail::HttpNotice::Owner& owner = *this;
  auto notice = std::make_unique<detail::HttpNotice>(peer_, owner, std::move(request), patience_ns);
  detail::HttpNotice& added = *notice;
  notices_.emplace(&added, std::move(notice));
  return added;
}

/// Sends it and waits until the server has it, or has not.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> StreamableHttpTransport::deliver(HttpRequest request, std::uint64_t patience_ns,
                                                    CancelScope& scope) {
  OneShot<void> arrival(loop_);
  awaited_ = &add_notice(std::move(request), patience_ns);
  arrival_ = &arrival;
  const Result<void> arrived = co_await arrival.wait(scope);
  arrival_ = nullptr;
  awaited_ = nullptr;
  co_return arrived;
}

void StreamableHttpTransport::on_notice_end(detail::HttpNotice& notice, const HttpEnd& end) {
  if (awaited_ == &notice) {
    arrival_->resolve(end.error.has_value() ? Result<void>(fail(*end.error)) : Result<void>());
  }
  notices_.erase(&notice);
}

// --- Ending ----------------------------------------------------------------------------------

void StreamableHttpTransport::end(const Error& why) {
  state_ = State::kClosed;
  listener_.reset();
  for (const auto& [id, call] : calls_) call->pending().on_connection_lost(why);
}

task<void> StreamableHttpTransport::close() {
  const bool has_session = state_ == State::kOpen && !peer_.session_id.empty();
  end(Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown));
  work_.cancel_scope().cancel(CancelCause::kShutdown);
  static_cast<void>(co_await work_.join());
  tails_.clear();
  if (has_session) {
    // Whether the server minds or not: 405 is allowed.
    CancelScope never;
    static_cast<void>(co_await deliver(peer_.end_session(), options_.farewell_ns, never));
  }
  notices_.clear();
}

}  // namespace mcpwire::io
