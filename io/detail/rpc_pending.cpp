// SPDX-License-Identifier: MIT
#include "io/detail/rpc_pending.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace mcpwire::io::detail {

using protocol::Outcome;

RpcPending::RpcPending(EventLoop& loop, const RequestOptions& options)
    : loop_(loop),
      options_(options),
      shot_(loop),
      last_activity_ns_(loop.now_ns()),
      last_progress_(-std::numeric_limits<double>::infinity()) {
  MCPWIRE_CHECK(options_.scope != nullptr);
  arm();
}

void RpcPending::arm() {
  const bool is_waiting_for_it =
      open_questions_ == 0 && options_.inactivity_ns < kNever - last_activity_ns_;
  const std::uint64_t silent_until_ns =
      is_waiting_for_it ? last_activity_ns_ + options_.inactivity_ns : kNever;
  const std::uint64_t earliest_ns = std::min(silent_until_ns, options_.deadline_ns);
  if (earliest_ns != kNever) {
    loop_.arm(*this, earliest_ns);
  } else if (is_armed()) {
    loop_.disarm(*this);
  }
}

void RpcPending::on_timer() {
  shot_.resolve(fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded));
}

bool RpcPending::may_start() {
  MCPWIRE_CHECK(stage_ == Stage::kWaiting);
  if (shot_.is_resolved() || options_.scope->is_cancelled()) return false;
  // The timer may be due in this very turn; from here on "not sent" would be a lie.
  if (options_.deadline_ns <= loop_.now_ns()) {
    on_timer();
    return false;
  }
  if (options_.observer != nullptr && !options_.observer->may_send()) {
    ending_ = Ending::kRevoked;
    shot_.resolve(fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller));
    return false;
  }
  stage_ = Stage::kWriting;
  return true;
}

void RpcPending::on_line_sent() { tell_sent(); }

void RpcPending::on_line_failed(bool is_complete) {
  if (is_complete) {
    tell_sent();
  } else {
    stage_ = Stage::kWaiting;
  }
}

void RpcPending::tell_sent() {
  if (stage_ == Stage::kSent) return;
  stage_ = Stage::kSent;
  if (options_.observer != nullptr) options_.observer->on_sent();
}

RpcPending::Answer RpcPending::on_answer(Outcome outcome, std::string_view body, LargeLine line) {
  if (stage_ == Stage::kWaiting) return Answer::kTooEarly;
  if (shot_.is_resolved()) return Answer::kLate;
  // The answer may overtake the completion of the write.
  tell_sent();
  ending_ = Ending::kAnswered;
  shot_.resolve(RpcReply{
      outcome, line ? RpcBody(std::move(line), body) : RpcBody(copy_text(body)), {}, true});
  return Answer::kTaken;
}

void RpcPending::on_unreadable_answer(std::string_view why) {
  if (stage_ == Stage::kWaiting || shot_.is_resolved()) return;
  tell_sent();
  ending_ = Ending::kUnreadable;
  shot_.resolve(fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
                     "the server's answer cannot be read: " + std::string(why)));
}

void RpcPending::on_progress(double value, std::string_view params) {
  if (shot_.is_resolved() || value <= last_progress_) return;
  last_progress_ = value;
  last_activity_ns_ = loop_.now_ns();
  arm();
  if (options_.progress != nullptr) options_.progress->on_progress(params);
}

void RpcPending::on_question() {
  ++open_questions_;
  arm();
}

void RpcPending::on_question_answered() {
  MCPWIRE_CHECK(open_questions_ > 0);
  --open_questions_;
  if (shot_.is_resolved()) return;
  last_activity_ns_ = loop_.now_ns();
  arm();
}

void RpcPending::on_connection_lost(const Error& why) {
  if (shot_.is_resolved()) return;
  ending_ = Ending::kLost;
  shot_.resolve(fail(why));
}

void RpcPending::on_refused(const Error& why) {
  if (shot_.is_resolved()) return;
  ending_ = Ending::kLost;
  shot_.resolve(RpcReply{Outcome::kRejected, {}, why, may_have_been_sent()});
}

RpcReply RpcPending::failed_reply(const Error& why) const {
  const bool sent = may_have_been_sent();
  // `cancelled` is for what the caller took back; a deadline and our own end are not that.
  const bool is_unasked =
      why.code == ErrorCode::kDeadlineExceeded || why.code == ErrorCode::kShuttingDown;
  Outcome outcome = Outcome::kCancelled;
  if (ending_ == Ending::kRevoked) {
    outcome = Outcome::kNotSent;
  } else if (ending_ == Ending::kLost || ending_ == Ending::kUnreadable || is_unasked) {
    outcome = sent ? Outcome::kUnknown : Outcome::kNotSent;
  }
  return RpcReply{outcome, {}, why, sent};
}

}  // namespace mcpwire::io::detail
