// SPDX-License-Identifier: MIT
#include "io/http/detail/http_call.hpp"

#include "io/http/detail/http_status.hpp"
#include "io/mcp/handshake.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/error_codes.hpp"
#include "protocol/mcp/method.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io::detail {
namespace {

namespace mcp = protocol::mcp;
using protocol::Outcome;
using protocol::json::MessageKind;
using protocol::mcp::RevisionFacts;

constexpr std::size_t kTailBytesMax = std::size_t{64} << 10;
constexpr std::uint64_t kTailNs = kNanosecondsPerSecond;
/// Where the server names no time.
constexpr std::uint64_t kRetryMsDefault = 1000;
constexpr std::uint64_t kRetryMsMin = 5;
/// In a row without a new event.
constexpr int kFruitlessResumesMax = 5;
/// A client that reads all the time may still never have read all: what came of a held stream is
/// told after that time at the latest, room or not.
constexpr std::uint64_t kHoldNs = kNanosecondsPerSecond;

HttpRepeat repeat_of(std::string_view method) noexcept {
  const mcp::MethodFacts* const facts = mcp::find_method(method);
  const bool is_safe = facts != nullptr && facts->is_safe_to_repeat;
  return is_safe ? HttpRepeat::kAllowed : HttpRepeat::kNever;
}

}  // namespace

HttpCall::HttpCall(HttpPeer& peer, Owner& owner, Message message, const RequestOptions& options)
    : peer_(peer),
      owner_(owner),
      message_(std::move(message)),
      pending_(peer.loop, options),
      reader_(*this, peer.limits.message_bytes_max, peer.codec.lines) {}

HttpCall::~HttpCall() { stop_holding(); }

// --- The POST --------------------------------------------------------------------------------

void HttpCall::start() {
  MCPWIRE_CHECK(exchange_ == nullptr);
  phase_ = Phase::kAsking;
  recovery_ = Recovery::kNone;
  head_ = HttpHead();
  session_used_ = peer_.session_id;
  HttpRequest request =
      peer_.post(message_.body, message_.method, message_.params, repeat_of(message_.method));
  HttpSink& sink = *this;
  exchange_ = peer_.client.start(std::move(request), sink);
}

bool HttpCall::may_send() {
  if (phase_ == Phase::kResuming) return true;
  if (!pending_.may_start()) return false;
  if (peer_.outgoing != nullptr) peer_.outgoing->on_outgoing(*message_.body);
  return true;
}

void HttpCall::on_head(const HttpHead& head) {
  if (phase_ == Phase::kTail) return;
  if (phase_ == Phase::kAsking) {
    pending_.on_line_sent();
    head_ = head;
  }
  reader_.begin(head);
  if (phase_ != Phase::kResuming) return;
  const bool is_stream = head.status == kHttpOk && reader_.kind() == BodyKind::kEvents;
  if (!is_stream) lose(resume_refused(head.status));
}

void HttpCall::on_body(std::string_view bytes) {
  if (phase_ == Phase::kTail) {
    tail_bytes_ += bytes.size();
    if (tail_bytes_ > kTailBytesMax) owner_.on_tail_end(*this);
    return;
  }
  // The answers to a POST of HTTP+SSE come elsewhere.
  if (peer_.answers_on_stream && head_.status < kHttpRefused) return;
  hold_if_full();
  take(reader_.feed(bytes));
}

void HttpCall::take(bool is_within_limit) {
  if (!is_within_limit) lose(message_too_large(peer_.limits.message_bytes_max));
}

void HttpCall::on_message(std::string_view json, LargeLine memory) {
  owner_.on_call_message(*this, json, std::move(memory));
  hold_if_full();
}

void HttpCall::on_end(const HttpEnd& end) {
  exchange_.reset();
  if (reader_.is_held()) {
    held_end_ = end;
    return;
  }
  switch (phase_) {
    case Phase::kAsking:
      return on_post_end(end);
    case Phase::kResuming:
      if (is_open() && !try_resume()) lose(end.error.value_or(broken_off()));
      return;
    case Phase::kTail:
      return owner_.on_tail_end(*this);
    case Phase::kIdle:
      return;
  }
}

void HttpCall::on_post_end(const HttpEnd& end) {
  phase_ = Phase::kIdle;
  if (end.error.has_value()) {
    if (!end.may_have_been_sent) {
      pending_.on_line_failed(false);
      return lose(*end.error);
    }
    pending_.on_line_sent();
    if (is_open() && !try_resume()) lose(*end.error);
    return;
  }
  if (peer_.answers_on_stream && head_.status < kHttpRefused) return;
  reader_.finish();
  if (recovery_ == Recovery::kNone && is_session_lost(peer_, *this, {}, {})) {
    recovery_ = Recovery::kSession;
  }
  if (is_open() && recovery_ != Recovery::kNone && !std::exchange(has_recovered_, true)) {
    // It was refused: it did not run.
    pending_.on_line_failed(false);
    return owner_.on_recoverable(*this, recovery_);
  }
  if (is_open()) on_unanswered();
}

void HttpCall::on_unanswered() {
  if (head_.status < kHttpRedirect) {
    if (!try_resume()) lose(no_answer(head_.status, fault_));
    return;
  }
  const HttpVerdict verdict = verdict_of(peer_, head_);
  if (verdict.outcome == Outcome::kRejected) {
    pending_.on_refused(verdict.error);
  } else {
    lose(verdict.error);
  }
}

// --- Answers ---------------------------------------------------------------------------------

void HttpCall::on_response(const protocol::json::Envelope& response, LargeLine memory) {
  const bool is_error = response.kind == MessageKind::kError;
  if (wants_authorization(head_.status)) {
    const std::string said =
        is_error ? read_error_text(peer_.codec.values, response.error) : std::string();
    return pending_.on_refused(authorization_error(peer_, head_.status, said));
  }
  if (is_error && !has_recovered_ && phase_ != Phase::kResuming) {
    recovery_ = recovery_for(response);
    if (recovery_ != Recovery::kNone) return;
  }
  static_cast<void>(pending_.on_answer(is_error ? Outcome::kPeerError : Outcome::kOk,
                                       is_error ? response.error : response.result,
                                       std::move(memory)));
}

Recovery HttpCall::recovery_for(const protocol::json::Envelope& error) {
  if (message_.is_handshake || head_.status < kHttpRefused) return Recovery::kNone;
  const std::int64_t code = read_error_code(peer_.codec.values, error.error);
  const bool is_mismatch = code == mcp::kHeaderMismatch && message_.method == mcp::kToolsCall &&
                           peer_.has(&RevisionFacts::wants_standard_headers);
  if (is_mismatch) return Recovery::kTools;
  const std::string text = read_error_text(peer_.codec.values, error.error);
  return is_session_lost(peer_, *this, code, text) ? Recovery::kSession : Recovery::kNone;
}

// --- Clients that do not read ----------------------------------------------------------------

void HttpCall::hold_if_full() {
  ProgressSink* const told = pending_.options().progress;
  const bool is_full = told != nullptr && !is_hold_over_ && !told->has_room();
  if (!is_full || !is_open() || reader_.kind() != BodyKind::kEvents || reader_.is_held()) return;
  reader_.hold();
  if (exchange_ != nullptr) exchange_->pause();
  // Until then it is we who are silent.
  pending_.on_question();
  told->observe_room(this);
  peer_.loop.arm(*this, peer_.loop.now_ns() + kHoldNs);
}

void HttpCall::stop_holding() {
  if (!reader_.is_held()) return;
  pending_.options().progress->observe_room(nullptr);
  pending_.on_question_answered();
  peer_.loop.disarm(*this);
}

void HttpCall::let_go() {
  stop_holding();
  take(reader_.release());
  if (reader_.is_held()) return;
  if (exchange_ != nullptr) exchange_->resume();
  if (held_end_.has_value()) on_end(*std::exchange(held_end_, std::nullopt));
}

// --- Streams that break off ------------------------------------------------------------------

/// False: nothing can go on where the stream broke off.
bool HttpCall::try_resume() {
  const bool can = peer_.has(&RevisionFacts::has_resumption) &&
                   reader_.kind() == BodyKind::kEvents && !reader_.last_event_id().empty();
  if (!can) return false;
  const bool is_fruitless = phase_ == Phase::kResuming && resumed_from_ == reader_.last_event_id();
  fruitless_resumes_ = is_fruitless ? fruitless_resumes_ + 1 : 0;
  if (fruitless_resumes_ >= kFruitlessResumesMax) return false;
  phase_ = Phase::kResuming;
  const std::uint64_t named_ms = reader_.retry_ms();
  // Not at once, whatever the server says: it could name a new event each time.
  const std::uint64_t retry_ms =
      named_ms == SseParser::kNoRetry ? kRetryMsDefault : std::max(named_ms, kRetryMsMin);
  peer_.loop.arm(*this, peer_.loop.now_ns() + retry_ms * kNanosecondsPerMillisecond);
  return true;
}

void HttpCall::resume() {
  resumed_from_ = reader_.last_event_id();
  HttpSink& sink = *this;
  exchange_ = peer_.client.start(peer_.listen(resumed_from_), sink);
}

void HttpCall::on_timer() {
  if (reader_.is_held()) {
    is_hold_over_ = true;
    let_go();
    is_hold_over_ = false;
    return;
  }
  if (phase_ == Phase::kTail) return owner_.on_tail_end(*this);
  resume();
}

void HttpCall::lose(Error why) {
  stop_holding();
  exchange_.reset();
  reader_.stop();
  phase_ = Phase::kIdle;
  pending_.on_connection_lost(why);
}

bool HttpCall::has_tail() const noexcept {
  const bool is_streaming = phase_ == Phase::kAsking || phase_ == Phase::kResuming;
  return is_streaming && exchange_ != nullptr && pending_.is_answered();
}

void HttpCall::become_tail() {
  stop_holding();
  phase_ = Phase::kTail;
  reader_.stop();
  peer_.loop.arm(*this, peer_.loop.now_ns() + kTailNs);
}

}  // namespace mcpwire::io::detail
