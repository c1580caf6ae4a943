// SPDX-License-Identifier: MIT
//
// The part of a session that deals with links that are lost and daemons that say nothing.
#include "client/detail/session.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameKind;
using protocol::Method;

namespace {

/// A question after the daemon's life. Never minted for a call, so its answer reaches nobody.
constexpr std::uint64_t kProbeCorrelation = protocol::kCorrelationMax;
/// Where the ring is full there is enough for the daemon to answer.
constexpr std::uint64_t kProbeSendNs = 1 * kNanosecondsPerMillisecond;

Error no_sign_of_life() {
  return Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDaemonUnreachable,
                            "the daemon does not answer (is it stopped?)");
}

}  // namespace

/// True for a request of which no whole one has reached the daemon and which is not tried again.
bool Session::never_left(const Result<void>& sent) const noexcept {
  if (sent) return false;
  // Those two are our own decision, even where it cost the link.
  const ErrorKind kind = sent.error().kind;
  return !link_->is_lost() || kind == ErrorKind::kTimeout || kind == ErrorKind::kCancelled;
}

/// Whatever the link was lost for, its daemon may live and hold our requests: the verdicts are
/// taken by revoking, and what it has answered until then counts.
void Session::settle_lost_link() {
  calls_.for_each_unanswered([this](const Call& call) { link_->revoke(*this, call.correlation); });
  link_->drain(*this);
  calls_.settle_lost(
      [this](std::uint64_t correlation) { return link_->revoke(*this, correlation); },
      link_->loss());
}

/// Afterwards every call either has its reply or waits on a link that lives.
void Session::recover() {
  while (link_ && link_->is_lost()) {
    settle_lost_link();
    link_.reset();
    if (!calls_.has_unanswered() || !resend_unanswered()) return;
  }
}

/// False: there is no link, and everybody has been told.
bool Session::resend_unanswered() {
  std::uint64_t latest_ns = 0;
  calls_.for_each_unanswered([&](Call& call) {
    latest_ns = std::max(latest_ns, call.deadline_ns);
    if (call.attempts >= kAttemptsMax) {
      call.reply = unsent_reply(Error::with_detail(
          ErrorKind::kDisconnected, ErrorCode::kDaemonUnreachable,
          "the daemon ended " + std::to_string(call.attempts) + " times before it took the call"));
    }
  });
  if (!calls_.has_unanswered()) return false;
  const std::uint64_t now = monotonic_now_ns();
  if (auto opened = open_link(std::min(latest_ns, now + options_.connect_timeout_ns)); !opened) {
    fail_unanswered(opened.error());
    return false;
  }
  ++reconnects_;
  calls_.for_each_unanswered([this](Call& call) {
    if (link_->is_lost()) return;  // The next round of recover() takes the rest.
    auto sent = submit(call);
    if (never_left(sent)) {
      call.reply = unsent_reply(std::move(sent).error());
    }
  });
  return true;
}

void Session::fail_unanswered(const Error& why) {
  calls_.for_each_unanswered([&](Call& call) { call.reply = unsent_reply(why); });
}

/// A call without a deadline is waited for only while the daemon shows that it lives.
std::uint64_t Session::look_again_ns(const Call& call) {
  if (call.deadline_ns != kNever) return call.deadline_ns;
  liveness_.observe(link_->frames_taken(), monotonic_now_ns());
  return liveness_.due_ns();
}

void Session::check_on_daemon() {
  liveness_.observe(link_->frames_taken(), monotonic_now_ns());
  switch (liveness_.duty(monotonic_now_ns())) {
    case Liveness::Duty::kNone:
      return;
    case Liveness::Duty::kAsk: {
      const auto sent =
          link_->send(*this, protocol::make_header(FrameKind::kRequest, Method::kPing),
                      kProbeCorrelation, {}, monotonic_now_ns() + kProbeSendNs);
      interrupted_ = !sent && sent.error().kind == ErrorKind::kCancelled;
      liveness_.asked(monotonic_now_ns());
      if (link_->is_lost()) recover();
      return;
    }
    case Liveness::Duty::kGiveUp:
      return leave_silent_daemon();
  }
}

void Session::leave_silent_daemon() {
  link_->leave(no_sign_of_life());
  settle_lost_link();
  // A daemon that is stopped takes a connection and never shakes hands: nothing is sent again.
  calls_.for_each_unanswered([](Call& call) {
    if (call.deadline_ns == kNever) call.reply = unsent_reply(no_sign_of_life());
  });
  recover();
}

}  // namespace mcpwire::client::detail
