// SPDX-License-Identifier: MIT
#include "client/detail/session.hpp"

#include "client/daemon_starter.hpp"
#include "client/detail/hello.hpp"
#include "client/detail/interruption.hpp"
#include "client/detail/requests.hpp"
#include "protocol/base/check.hpp"
#include "protocol/payload_codec.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

namespace {

/// Connections that may end before their handshake does, in one connect(): about a second. The
/// socket of a killed daemon can be connected to until its kernel work is undone (5-10 ms).
constexpr int kConnectAttemptsMax = 64;
constexpr std::uint64_t kConnectPauseMinNs = 1 * kNanosecondsPerMillisecond;
constexpr std::uint64_t kConnectPauseMaxNs = 16 * kNanosecondsPerMillisecond;

/// A cancel event waits no longer than this for room in the ring.
constexpr std::uint64_t kCancelSendNs = 50 * kNanosecondsPerMillisecond;

Error silence() {
  return Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
                            "the deadline passed and the daemon did not say what became of the "
                            "call");
}

}  // namespace

Result<std::unique_ptr<Session>> Session::connect(const ConnectOptions& options) {
  ring::RuntimeDirectory directory =
      options.runtime_directory.empty()
          ? TRY(ring::RuntimeDirectory::resolve())
          : TRY(ring::RuntimeDirectory::open(options.runtime_directory));
  std::unique_ptr<Session> session(new Session(options, std::move(directory)));
  TRY(session->open_link(monotonic_now_ns() + options.connect_timeout_ns));
  return session;
}

Result<void> Session::open_link(std::uint64_t deadline_ns) {
  std::string hello = TRY(build_hello(options_));
  const StartOptions start{options_.auto_start, options_.daemon_program, deadline_ns,
                           options_.interrupt};
  std::uint64_t pause_ns = kConnectPauseMinNs;
  for (int attempt = 1;; ++attempt) {
    UniqueFd socket = TRY(reach_daemon(directory_, start));
    auto link = Link::open(std::move(socket), options_, hello, deadline_ns);
    if (link) {
      link_ = std::move(*link);
      liveness_.restart(monotonic_now_ns());
      if (link_->agreement().ring_bytes == 0) {
        link_->explain_no_rings(options_.ring_bytes != 0 ? kNoneToGive : no_rings_because_);
      }
      agreement_ = link_->agreement();
      return {};
    }
    if (link.error().code == ErrorCode::kNoSharedMemory) {
      no_rings_because_ = link.error().message();
      options_.ring_bytes = 0;
      hello = TRY(build_hello(options_));
      continue;
    }
    // A daemon that ends closes what waits in its backlog: there will be another one.
    const std::uint64_t now = monotonic_now_ns();
    const bool try_again = link.error().kind == ErrorKind::kDisconnected &&
                           attempt < kConnectAttemptsMax && now < deadline_ns;
    if (!try_again) return fail(std::move(link).error());
    const std::uint64_t until = std::min(deadline_ns, now + pause_ns);
    if (wait_readable(-1, until, options_.interrupt) == WaitEnd::kInterrupted) {
      return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
    pause_ns = std::min(2 * pause_ns, kConnectPauseMaxNs);
  }
}

Result<std::uint64_t> Session::start(Method method, std::string payload, std::uint64_t settle_ns) {
  interrupted_ = false;
  if (!link_) {
    TRY(open_link(std::min(settle_ns, monotonic_now_ns() + options_.connect_timeout_ns)));
    ++reconnects_;
  }
  const bool is_known = (link_->agreement().features & protocol::feature::kMessages) != 0;
  if (method == Method::kRequest && !is_known) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kVersionMismatch,
                std::string("the daemon is older and knows only tools: restart it"));
  }
  Call* call = calls_.add(method, std::move(payload), settle_ns);
  if (call == nullptr) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                "more than " + std::to_string(protocol::kCallWindow) + " calls in flight");
  }
  const std::uint64_t correlation = call->correlation;
  Result<void> sent = submit(*call);
  const bool failed = never_left(sent);
  if (failed) {
    call->reply = unsent_reply(sent.error());
    calls_.take(*call);
  }
  if (link_->is_lost()) recover();
  if (failed) return fail(std::move(sent).error());
  return correlation;
}

Result<void> Session::submit(Call& call) {
  ++call.attempts;
  call.refused.reset();
  std::uint64_t until_ns = call.deadline_ns;
  if (until_ns == kNever && options_.silence_ns_max != kNever) {
    until_ns = monotonic_now_ns() + options_.silence_ns_max + options_.sign_of_life_ns_max;
  }
  return link_->send(*this, protocol::make_header(FrameKind::kRequest, call.method),
                     call.correlation, as_bytes(call.payload), until_ns);
}

void Session::on_message(const protocol::FrameHeader& header, Body&& payload) {
  const FrameKind kind = protocol::kind_of(header.request.flags);
  if (kind == FrameKind::kResponse || kind == FrameKind::kError) {
    calls_.answer(header.correlation,
                  decode_reply(protocol::outcome_of(header.request.flags), std::move(payload)));
    return;
  }
  // Of a call that has ended nobody wants to hear.
  if (kind != FrameKind::kEvent || calls_.find(header.correlation) == nullptr) return;
  on_event(header, as_bytes(payload.view()));
}

std::optional<CallReply> Session::wait(std::uint64_t correlation, std::uint64_t until_ns) {
  interrupted_ = false;
  for (;;) {
    Call* call = calls_.find(correlation);
    if (call == nullptr) return std::nullopt;
    if (call->reply) return calls_.take(*call);
    MCPWIRE_CHECK(link_ != nullptr);
    if (!answers_.empty()) {
      send_answers();
      if (link_->is_lost()) recover();
      continue;
    }
    switch (link_->pump(*this, std::min(until_ns, look_again_ns(*call)))) {
      case Link::PumpEnd::kProgress:
        break;
      case Link::PumpEnd::kLost:
        recover();
        break;
      case Link::PumpEnd::kTimeout:
        if (monotonic_now_ns() >= call->deadline_ns) return settle_silent(*call);
        if (monotonic_now_ns() >= until_ns) return std::nullopt;
        check_on_daemon();
        if (interrupted_) return std::nullopt;
        break;
      case Link::PumpEnd::kInterrupted:
        interrupted_ = true;
        return std::nullopt;
    }
  }
}

/// The daemon lives, but the call's time is over: what is true of it from here on?
CallReply Session::settle_silent(Call& call) {
  const protocol::CallState state = link_->revoke(*this, call.correlation);
  link_->drain(*this);
  CallReply reply;
  if (call.reply) {
    reply = std::move(*call.reply);  // It came while we gave up.
  } else if (call.refused) {
    reply = std::move(*call.refused);
  } else {
    reply = verdict(state, silence());
    if (!link_->is_lost()) send_cancel(call.correlation);
  }
  calls_.abandon(call);
  if (link_->is_lost()) recover();
  return reply;
}

CallReply Session::give_up(std::uint64_t correlation) {
  Call* call = calls_.find(correlation);
  if (call == nullptr)
    return unsent_reply(Error::of(ErrorKind::kNotFound, ErrorCode::kUnspecified));
  if (call->reply) return calls_.take(*call);
  CallReply reply = settle_silent(*call);
  if (reply.outcome != Outcome::kNotSent && reply.outcome != Outcome::kUnknown) return reply;
  return {Outcome::kCancelled,
          {},
          Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller),
          reply.may_have_been_sent};
}

void Session::cancel(std::uint64_t correlation) {
  Call* call = calls_.find(correlation);
  if (call == nullptr || call->reply) return;
  call->cancel_requested = true;
  if (call->refused) {
    call->reply = unsent_reply(Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller));
    return;
  }
  send_cancel(correlation);
  if (link_->is_lost()) recover();
}

/// A daemon that takes no event any more learns of it by the revoked call word.
void Session::send_cancel(std::uint64_t correlation) {
  const protocol::CancelEvent event{sizeof(protocol::CancelEvent), 0, correlation};
  static_cast<void>(link_->send(*this, protocol::make_header(FrameKind::kEvent, Method::kCancel), 0,
                                object_bytes(event), monotonic_now_ns() + kCancelSendNs));
}

Result<std::string> Session::round_trip(Method method, std::string payload,
                                        std::uint64_t until_ns) {
  const std::uint64_t correlation = TRY(start(method, std::move(payload), until_ns));
  std::optional<CallReply> reply = wait(correlation, until_ns);
  if (!reply) {
    static_cast<void>(give_up(correlation));
    return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
  }
  if (reply->outcome == Outcome::kOk) return std::move(reply->body).take_text();
  return fail(std::move(reply->error));
}

}  // namespace mcpwire::client::detail
