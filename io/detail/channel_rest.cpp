// SPDX-License-Identifier: MIT
//
// A connection in use and its rest: its memory and its rings are made when something comes, given
// back when nobody uses them, and made anew; rings when the client offers its half again
// (docs/adr/0009).
#include "io/client_channel.hpp"
#include "protocol/payload_codec.hpp"

#include <cerrno>
#include <string>
#include <utility>

namespace mcpwire::io {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

namespace {

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

}  // namespace

ClientChannel::Active::Active(ClientChannel& owner) noexcept
    : channel(owner),
      later(owner),
      charges(owner.process().account()),
      outbox(charges, owner.process().account(), owner.next_slab_,
             owner.host_.options().pending_bytes_max),
      idle_timer(owner),
      room_watch(owner) {}

/// False, and the channel shut, where the system has no memory.
bool ClientChannel::ensure_active() {
  if (active_) return true;
  active_ = host_.active_memory_.try_make<Active>(*this);
  if (!active_) {
    shut(Error::of(ErrorKind::kOverloaded, ErrorCode::kOutOfMemory));
    return false;
  }
  if (state_ == State::kOpen) {
    attach_outbox();
    await_idleness();
  }
  return true;
}

void ClientChannel::attach_outbox() {
  active_->outbox.attach(socket_.get(), active_->rings ? &*active_->rings : nullptr,
                         uses_slabs_ ? &host_.slabs_ : nullptr);
}

void ClientChannel::await_idleness() {
  Active& active = *active_;
  active.last_message_ns = host_.loop().now_ns();
  const bool must_keep_rings = active.rings && !renews_rings_;
  if (must_keep_rings || host_.options().ring_idle_ns == 0) return;
  host_.loop().arm(active.idle_timer, active.last_message_ns + host_.options().ring_idle_ns);
}

/// Nothing is under way in either direction. What we have published and the client has not read
/// stays readable: it holds a mapping of its own.
bool ClientChannel::may_rest() const noexcept {
  const Active& active = *active_;
  const bool awaits_record = !has_retired_ && active.inbox.has_files();
  return active.unanswered == 0 && !active.outbox.has_pending() &&
         !active.outbox.has_untaken_files() && !awaits_record && !active.inbox.has_partial() &&
         !socket_has_more_ && !active.bell_pause;
}

void ClientChannel::IdleTimer::on_timer() { channel.rest_if_idle(); }  // Destroys us.

void ClientChannel::rest_if_idle() {
  Active& active = *active_;
  const std::uint64_t now = host_.loop().now_ns();
  const std::uint64_t idle_ns = host_.options().ring_idle_ns;
  if (now < active.last_message_ns + idle_ns) {
    return host_.loop().arm(active.idle_timer, active.last_message_ns + idle_ns);
  }
  active.outbox.settle_files();
  if (!may_rest()) return host_.loop().arm(active.idle_timer, now + idle_ns);
  if (active.rings) {
    ring::Consumer& consumer = active.rings->consumer;
    if (consumer.prepare_retire()) {
      // A record came in that moment, and its sender waits for what we decide.
      consumer.unpark();
      make_hot();
      return host_.loop().arm(active.idle_timer, now + idle_ns);
    }
    consumer.retire();
    --host_.with_rings_;
    has_retired_ = true;
  }
  active_.reset();
  if (receiver_ != nullptr) receiver_->on_rest();
}

/// kProtocolViolation for a segment that no correct client sends. On any other failure this process
/// has no more memory or descriptors, or the client no share of them, and the socket has to do.
Result<void> ClientChannel::make_rings(ring::ReceivedFrame& frame, std::uint32_t ring_bytes) {
  const auto made = try_make_rings(frame, ring_bytes);
  if (made) {
    ++host_.with_rings_;
    note_shared_memory(nullptr);
    return {};
  }
  const ErrorCode code = made.error().code;
  if (code == ErrorCode::kQueueFull) {
    host_.note_over_quota(process(), "rings");
  } else if (code != ErrorCode::kProtocolViolation) {
    note_shared_memory(&made.error());
  }
  return made;
}

Result<void> ClientChannel::try_make_rings(ring::ReceivedFrame& frame, std::uint32_t ring_bytes) {
  const auto ability = host_.loop().features().has(KernelFeature::kNoExecSeal)
                           ? ring::KernelAbility::kUseIfPresent
                           : ring::KernelAbility::kHidden;
  if (frame.lost_attachment) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg"));
  }
  auto peer = TRY(ring::PeerSegment::attach(std::move(frame.attached), ring_bytes));
  ring::Charge charge(process().account(), ring::Resource::kBytes);
  if (!charge.try_set(2 * ring::segment_bytes(ring_bytes))) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                std::string("this process has its share of shared memory"));
  }
  auto own = TRY(ring::OwnedSegment::create({ring_bytes, ability}));
  active_->rings.emplace(std::move(own), std::move(peer), std::move(charge));
  return {};
}

/// Tells once that there is none, and again only after there was some.
void ClientChannel::note_shared_memory(const Error* lack) {
  const bool is_told = std::exchange(host_.lacks_shared_memory_, lack != nullptr);
  if (lack == nullptr || is_told || !host_.options().on_no_shared_memory) return;
  host_.options().on_no_shared_memory(*lack);
}

Result<void> ClientChannel::take_rings_offer(ring::ReceivedFrame& frame) {
  if (!has_retired_) return violation("rings that nobody asked for");
  if (frame.header.request.flags != protocol::make_flags(FrameKind::kRequest)) {
    return violation("malformed offer of rings");
  }
  const auto offer = protocol::PayloadReader(frame.payload).fixed<protocol::RingsOffer>();
  const bool is_well_formed = offer &&
                              (offer->ring_bytes == 0 || ring::is_ring_bytes(offer->ring_bytes)) &&
                              (offer->ring_bytes != 0) == (frame.attached || frame.lost_attachment);
  if (!is_well_formed) return violation("malformed offer of rings");
  has_retired_ = false;
  // Their records went with the old ring.
  active_->inbox.forget_files();
  static_cast<void>(hold_received_files());
  if (offer->ring_bytes != 0) {
    const auto made = make_rings(frame, offer->ring_bytes);
    if (!made && made.error().code == ErrorCode::kProtocolViolation) {
      return violation("offer of rings with an unacceptable memory file");
    }
  }
  attach_outbox();
  TRY(answer_rings_offer(frame.header.correlation));
  await_idleness();
  make_hot();
  return {};
}

Result<void> ClientChannel::answer_rings_offer(std::uint64_t correlation) {
  const protocol::RingsOffer answer{sizeof(protocol::RingsOffer), ring_bytes()};
  const ring::OutgoingFrame frame{
      protocol::make_header(FrameKind::kResponse, Method::kRings, Outcome::kOk),
      correlation,
      object_bytes(answer),
      {},
      has_rings() ? active_->rings->own.fd() : -1};
  if (TRY(ring::send_frame(socket_.get(), frame)) != ring::SendStatus::kSent) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  }
  if (has_rings()) active_->rings->own.close_fd();
  return {};
}

}  // namespace mcpwire::io
