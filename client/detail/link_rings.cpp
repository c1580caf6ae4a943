// SPDX-License-Identifier: MIT
//
// What a link does about a daemon that gave the rings of an idle connection back (docs/adr/0009):
// it finds out whether a record was still taken, and offers new rings.
#include "client/detail/interruption.hpp"
#include "client/detail/link.hpp"
#include "client/detail/violation.hpp"
#include "protocol/payload_codec.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using PeerState = ring::Producer::PeerState;

namespace {

/// HELLO is the only other request that the socket carries beside rings.
constexpr std::uint64_t kOfferCorrelation = 1;

/// The daemon decides within two instructions, unless it was stopped between them.
constexpr int kLooksBeforeSleep = 1000;
constexpr std::uint64_t kDecisionPauseNs = kNanosecondsPerMillisecond;

/// `kNever` stays it.
std::uint64_t after(std::uint64_t now_ns, std::uint64_t wait_ns) noexcept {
  return wait_ns >= kNever - now_ns ? kNever : now_ns + wait_ns;
}

}  // namespace

/// To be called behind a commit. False: the record was not taken and never will be.
Result<bool> Link::settle_push(Sink& sink, std::uint64_t correlation, std::uint64_t deadline_ns) {
  std::uint64_t decided_by_ns = 0;
  for (int looks = 0;; ++looks) {
    switch (rings_->producer.look_at_peer()) {
      case PeerState::kHears:
        return true;
      case PeerState::kNeedsDoorbell:
        // A daemon that is gone is noticed by the next pump(), after its last records were taken.
        static_cast<void>(ring::ring_doorbell(socket_.get()));
        return true;
      case PeerState::kRetiring:
        if (looks < kLooksBeforeSleep) {
          ::sched_yield();
          break;
        }
        // What a dead daemon had not decided, the call words tell.
        if (!is_peer_alive()) return true;
        if (decided_by_ns == 0) {
          decided_by_ns = std::min(deadline_ns, after(monotonic_now_ns(), decision_ns_max_));
        }
        if (TRY(await_decision(correlation, decided_by_ns))) return true;
        break;
      case PeerState::kRetired:
        // All it took it has answered, or it would not have retired.
        if (rings_->producer.peer_took_all()) return true;
        TRY(renew_rings(sink, deadline_ns));
        return false;
    }
  }
}

/// True: the record was taken; false: look again. Whoever gives up here does not know whether it
/// will be: the call is revoked, its word says what is true, and the link ends with it.
Result<bool> Link::await_decision(std::uint64_t correlation, std::uint64_t deadline_ns) {
  const std::uint64_t pause_ns = std::min(deadline_ns, after(monotonic_now_ns(), kDecisionPauseNs));
  const WaitEnd end = wait_readable(-1, pause_ns, interrupt_);
  if (end != WaitEnd::kInterrupted && monotonic_now_ns() < deadline_ns) return false;
  if (protocol::may_have_been_sent(rings_->call_words.revoke(correlation))) return true;
  lose(end == WaitEnd::kInterrupted
           ? Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller)
           : Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
                                "the daemon takes nothing any more"));
  return fail(loss_);
}

/// Afterwards there are rings that both sides use, or none. On kTimeout and kCancelled the next
/// call goes on where this one stopped.
Result<void> Link::renew_rings(Sink& sink, std::uint64_t deadline_ns) {
  if ((agreement_.features & protocol::feature::kRingRenewal) == 0) {
    lose_trust(Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                                  "rings given back although nobody agreed to that"));
    return fail(loss_);
  }
  // Answers that the daemon published before it retired.
  take_records(sink);
  if (lost_) return fail(loss_);
  if (!awaits_rings_) TRY(offer_rings(sink, deadline_ns));
  return await_rings_answer(sink, deadline_ns);
}

Result<void> Link::offer_rings(Sink& sink, std::uint64_t deadline_ns) {
  // Where the system refuses the memory the socket has to do, from here on.
  std::optional<ring::OwnedSegment> segment;
  auto made = ring::OwnedSegment::create({wished_ring_bytes_});
  if (made) {
    segment = *std::move(made);
  } else {
    agreement_.no_rings_because = made.error().message();
  }
  const protocol::RingsOffer offer{sizeof(protocol::RingsOffer), segment ? wished_ring_bytes_ : 0};
  TRY(send_on_socket(sink,
                     {protocol::make_header(FrameKind::kRequest, Method::kRings),
                      kOfferCorrelation,
                      object_bytes(offer),
                      {},
                      segment ? segment->fd() : -1},
                     deadline_ns));
  offered_ = std::move(segment);
  awaits_rings_ = true;
  return {};
}

Result<void> Link::await_rings_answer(Sink& sink, std::uint64_t deadline_ns) {
  for (;;) {
    take_socket_frames(sink);
    if (lost_) return fail(loss_);
    if (!awaits_rings_) return {};
    switch (wait_ready({socket_.get(), POLLIN, pidfd_.get()}, deadline_ns, interrupt_)) {
      case WaitEnd::kReady:
        if (!pidfd_ || wait_readable(pidfd_.get(), 0, {}) != WaitEnd::kReady) break;
        take_socket_frames(sink);  // Its last words may be there.
        lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
        return fail(loss_);
      case WaitEnd::kTimeout:
        return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
                    "the daemon takes nothing any more");
      case WaitEnd::kInterrupted:
        return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
  }
}

Result<void> Link::take_rings_answer(ring::ReceivedFrame& frame) {
  const bool is_answer = protocol::kind_of(frame.header.request.flags) == FrameKind::kResponse &&
                         protocol::outcome_of(frame.header.request.flags) == Outcome::kOk &&
                         frame.header.correlation == kOfferCorrelation;
  if (!awaits_rings_ || !is_answer) return violation("answer to no offer of rings");
  const auto answer = TRY(protocol::PayloadReader(frame.payload).fixed<protocol::RingsOffer>());
  if (frame.lost_attachment) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg"));
  }
  awaits_rings_ = false;
  std::optional<ring::OwnedSegment> own = std::exchange(offered_, std::nullopt);
  agreement_.ring_bytes = answer.ring_bytes;
  memory_.forget();  // It went with the old rings, on both sides.
  if (answer.ring_bytes == 0) {
    if (own) agreement_.no_rings_because = kNoneToGive;
    rings_.reset();
    return {};
  }
  if (!own || answer.ring_bytes != wished_ring_bytes_) {
    return violation("rings of another size than was offered");
  }
  return use_rings(*std::move(own), std::move(frame.attached), answer.ring_bytes);
}

}  // namespace mcpwire::client::detail
