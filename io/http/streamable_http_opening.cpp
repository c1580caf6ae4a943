// SPDX-License-Identifier: MIT
//
// How a conversation over HTTP begins: the ladder, taken step by step.
#include "io/detail/rpc_messages.hpp"
#include "io/http/curl_client.hpp"
#include "io/http/detail/http_status.hpp"
#include "io/http/header_codec.hpp"
#include "io/http/streamable_http_transport.hpp"
#include "io/sleep.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"

#include <utility>

namespace mcpwire::io {

namespace mcp = protocol::mcp;
using detail::HttpReply;
using detail::LadderStep;
using detail::Rung;
using mcp::RevisionFacts;
using protocol::Outcome;

namespace {

/// Of `server/discover`: the second time in a revision that the server has named.
constexpr int kDiscoverAttemptsMax = 2;

LadderStep failed(Error why) { return {Rung::kFail, {}, std::move(why)}; }

LadderStep failed(ErrorCode code, std::string text) {
  return failed(Error::with_detail(ErrorKind::kInvalid, code, std::move(text)));
}

/// No sign of what the server speaks.
bool is_outage(const Error& error) noexcept {
  return error.code == ErrorCode::kAuthorization || error.kind == ErrorKind::kDisconnected ||
         error.kind == ErrorKind::kTimeout || error.kind == ErrorKind::kCancelled;
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> StreamableHttpTransport::open(CancelScope& scope, std::uint64_t deadline_ns) {
  MCPWIRE_CHECK(state_ == State::kNew);
  state_ = State::kOpening;
  const Patience patience{&scope, deadline_ns};
  bool is_remembered = false;
  const Rung first = first_rung(is_remembered);
  LadderStep step = co_await climb_from(first, patience);
  if (step.rung == Rung::kFail && is_remembered && !is_outage(step.error)) {
    // What was true of the server is so no more.
    options_.verdicts->forget(options_.identity);
    peer_.answers_on_stream = false;
    step = co_await climb_from(Rung::kModern, patience);
  }
  if (step.rung == Rung::kFail) {
    end(step.error);
    co_return fail(shown(step.error));
  }
  state_ = State::kOpen;
  remember_verdict();
  start_listening();
  co_return Result<void>{};
}

Rung StreamableHttpTransport::first_rung(bool& is_remembered) const {
  if (options_.is_http_sse) return Rung::kEventStream;
  const bool is_pinned_legacy =
      options_.pinned_era == mcp::Era::kLegacy ||
      (options_.pinned_revision.has_value() && !mcp::is_modern(*options_.pinned_revision));
  if (is_pinned_legacy) return Rung::kInitialize;
  const bool is_pinned = options_.pinned_era.has_value() || options_.pinned_revision.has_value();
  if (is_pinned || options_.verdicts == nullptr) return Rung::kModern;
  const std::optional<EraVerdict> known = options_.verdicts->find(options_.identity);
  if (!known.has_value() || known->era == mcp::Era::kModern) return Rung::kModern;
  is_remembered = true;
  return known->is_http_sse ? Rung::kEventStream : Rung::kInitialize;
}

/// kModern or kLegacy: the conversation has begun.
task<LadderStep> StreamableHttpTransport::climb_from(Rung rung, Patience patience) {
  LadderStep step{rung};
  if (step.rung == Rung::kModern) {
    step = co_await discover(patience);
    if (step.rung != Rung::kInitialize) co_return step;
  }
  std::optional<Error> refused;
  if (step.rung == Rung::kInitialize) {
    step = co_await initialize(patience);
    if (step.rung != Rung::kEventStream) co_return step;
    refused = step.error;
  }
  step = co_await open_event_stream(patience);
  // A server without that transport is better described by what it said to initialize.
  if (step.rung == Rung::kFail && refused.has_value()) step.error = *refused;
  co_return step;
}

task<LadderStep> StreamableHttpTransport::discover(Patience patience) {
  mcp::Revision offered = options_.pinned_revision.value_or(mcp::kNewestRevision);
  LadderStep step;
  for (int attempt = 0; attempt < kDiscoverAttemptsMax; ++attempt) {
    peer_.revision = offered;
    const HttpReply reply = co_await handshake(mcp::kDiscover, discover_params(offered), patience);
    step = detail::after_discover(peer_, reply);
    if (step.rung == Rung::kModern) co_return accept(Rung::kModern, std::move(step.probe.info));
    if (step.rung != Rung::kOtherModern) break;
    offered = step.probe.revision;
  }
  peer_.revision = std::nullopt;
  const bool is_pinned = options_.pinned_era.has_value() || options_.pinned_revision.has_value();
  if (step.rung == Rung::kOtherModern || (step.rung == Rung::kInitialize && is_pinned)) {
    co_return failed(ErrorCode::kHandshakeFailed,
                     "the server does not answer server/discover in revision " +
                         std::string(mcp::facts_of(offered).name));
  }
  co_return step;
}

task<LadderStep> StreamableHttpTransport::initialize(Patience patience) {
  const mcp::Revision offered = options_.pinned_revision.value_or(mcp::kNewestLegacyRevision);
  const HttpReply reply =
      co_await handshake(mcp::kInitialize, initialize_params(offered), patience);
  LadderStep step = detail::after_initialize(peer_, reply);
  if (step.rung != Rung::kLegacy) co_return step;
  Result<ServerInfo> info = read_initialize_result(peer_.codec.values, reply.rpc.body);
  if (!info.has_value()) co_return failed(info.error());
  if (!reply.session_id.empty() && !is_session_id(reply.session_id)) {
    co_return failed(ErrorCode::kProtocolViolation, "the server's session id is malformed");
  }
  step = accept(Rung::kLegacy, *std::move(info));
  if (step.rung == Rung::kFail) co_return step;
  peer_.session_id = peer_.has(&RevisionFacts::has_sessions) ? reply.session_id : std::string();
  const Result<void> greeted = co_await greet(patience);
  if (!greeted.has_value()) co_return failed(greeted.error());
  co_return step;
}

task<LadderStep> StreamableHttpTransport::open_event_stream(Patience patience) {
  CancelScope scope(*patience.scope);
  DeadlineTimer deadline(loop_, scope);
  deadline.set(patience.deadline_ns);
  OneShot<std::string> endpoint(loop_);
  endpoint_ = &endpoint;
  peer_.answers_on_stream = true;
  detail::HttpListener::Owner& owner = *this;
  listener_.emplace(peer_, owner, detail::ListenAgain::kNo);
  listener_->start();
  Result<std::string> url = co_await endpoint.wait(scope);
  endpoint_ = nullptr;
  deadline.set(kNever);
  if (!url.has_value()) co_return failed(std::move(url).error());
  peer_.post_url = *std::move(url);
  LadderStep step = co_await initialize(patience);
  if (step.rung == Rung::kEventStream) step.rung = Rung::kFail;
  co_return step;
}

/// The notification that ends the handshake; it has arrived before the first request goes out.
task<Result<void>> StreamableHttpTransport::greet(Patience patience) {
  HttpRequest request =
      notice_request(detail::notification_line(mcp::kInitialized, {}), mcp::kInitialized);
  co_return co_await deliver(std::move(request), detail::HttpNotice::kPatienceNs, *patience.scope);
}

task<HttpReply> StreamableHttpTransport::handshake(std::string_view method, std::string params,
                                                   Patience patience) {
  detail::HttpCall::Message message;
  message.id = next_id_++;
  message.method = method;
  message.body = detail::body_of_line(detail::request_line(message.id, method, params, {}));
  message.params = std::move(params);
  message.is_handshake = true;
  co_return co_await exchange(std::move(message),
                              {.scope = patience.scope, .deadline_ns = patience.deadline_ns});
}

LadderStep StreamableHttpTransport::accept(Rung rung, ServerInfo info) {
  const auto& pinned = options_.pinned_revision;
  if (pinned.has_value() && info.revision != *pinned) {
    return failed(
        ErrorCode::kVersionMismatch,
        "the server answers in revision " + info.protocol_version + ", not in the configured one");
  }
  peer_.revision = info.revision;
  constants_.emplace(info.revision);
  server_info_ = std::move(info);
  return {rung};
}

Error StreamableHttpTransport::shown(const Error& error) const {
  Error shown = error;
  if (error.detail != nullptr) {
    shown.detail = std::make_shared<const std::string>(peer_.shown(*error.detail));
  }
  return shown;
}

void StreamableHttpTransport::remember_verdict() {
  if (options_.verdicts == nullptr || options_.is_http_sse) return;
  options_.verdicts->keep(options_.identity,
                          {mcp::facts_of(server_info_.revision).era, peer_.answers_on_stream});
}

void StreamableHttpTransport::start_listening() {
  // Only what has sessions says something unasked; in HTTP+SSE the stream is open already.
  const bool has_stream = peer_.has(&RevisionFacts::has_get_stream) && !peer_.answers_on_stream &&
                          !peer_.session_id.empty();
  if (!has_stream) return;
  detail::HttpListener::Owner& owner = *this;
  listener_.emplace(peer_, owner, detail::ListenAgain::kYes);
  listener_->start();
}

void StreamableHttpTransport::on_listener_event(const SseEvent& event) {
  if (event.type != "endpoint" || endpoint_ == nullptr) return;
  Result<std::string> url = resolve_url(options_.endpoint.url, std::string(event.data));
  if (url.has_value() && !has_same_origin(options_.endpoint.url, *url)) {
    url = fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
               "the server names an endpoint at another origin");
  }
  endpoint_->resolve(std::move(url));
}

void StreamableHttpTransport::on_listener_end(const Error& why, int status) {
  // Without its stream of extras a conversation goes on; without the stream of answers it does not.
  if (!peer_.answers_on_stream) return;
  if (endpoint_ != nullptr) {
    const bool is_refused = status >= detail::kHttpRedirect;
    return endpoint_->resolve(
        fail(is_refused ? verdict_of(peer_, HttpHead(status, {})).error : why));
  }
  const bool was_open = state_ == State::kOpen;
  end(why);
  if (was_open && close_observer_ != nullptr) close_observer_->on_transport_closed(why);
}

}  // namespace mcpwire::io
