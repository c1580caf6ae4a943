// SPDX-License-Identifier: MIT
//
// The shared memory of a channel: made at the handshake, given back when nobody uses it, and made
// anew when the client offers its half again (docs/adr/0009).
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

/// kProtocolViolation for a segment that no correct client sends. On any other failure this process
/// has no more memory or descriptors, and the socket has to do.
Result<void> ClientChannel::make_rings(ring::ReceivedFrame& frame, std::uint32_t ring_bytes) {
  const auto ability = host_.loop().features().has(KernelFeature::kNoExecSeal)
                           ? ring::KernelAbility::kUseIfPresent
                           : ring::KernelAbility::kHidden;
  const auto make = [&]() -> Result<detail::SlotPool::Pointer<Rings>> {
    if (frame.lost_attachment) {
      return fail(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg"));
    }
    auto peer = TRY(ring::PeerSegment::attach(std::move(frame.attached), ring_bytes));
    if (!charges_.try_take_bytes(2 * ring::segment_bytes(ring_bytes))) {
      host_.note_over_quota(charges_.process(), "rings");
      return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
    }
    auto own = ring::OwnedSegment::create({ring_bytes, ability});
    auto made = own ? host_.rings_memory_.try_make<Rings>(*std::move(own), std::move(peer), *this)
                    : nullptr;
    if (made) return made;
    charges_.give_back_bytes(2 * ring::segment_bytes(ring_bytes));
    if (!own) return fail(std::move(own).error());
    return fail(ErrorKind::kOverloaded, ErrorCode::kOutOfMemory);
  };
  auto rings = make();
  if (!rings) {
    const ErrorCode code = rings.error().code;
    const bool is_our_lack = code != ErrorCode::kProtocolViolation && code != ErrorCode::kQueueFull;
    if (is_our_lack) note_shared_memory(&rings.error());
    return fail(std::move(rings).error());
  }
  note_shared_memory(nullptr);
  rings_ = *std::move(rings);
  ++host_.with_rings_;
  return {};
}

/// Tells once that there is none, and again only after there was some.
void ClientChannel::note_shared_memory(const Error* lack) {
  const bool is_told = std::exchange(host_.lacks_shared_memory_, lack != nullptr);
  if (lack == nullptr || is_told || !host_.options().on_no_shared_memory) return;
  host_.options().on_no_shared_memory(*lack);
}

void ClientChannel::await_idleness() {
  last_message_ns_ = host_.loop().now_ns();
  if (!rings_ || !renews_rings_ || host_.options().ring_idle_ns == 0) return;
  host_.loop().arm(rings_->idle_timer, last_message_ns_ + host_.options().ring_idle_ns);
}

/// Nothing is under way in either direction. What we have published and the client has not read
/// stays readable: it holds a mapping of its own.
bool ClientChannel::may_retire_rings() const noexcept {
  return unanswered_ == 0 && !outbox_.has_pending() && !inbox_.has_files() && !socket_has_more_;
}

void ClientChannel::retire_rings_if_idle() {
  const std::uint64_t now = host_.loop().now_ns();
  const std::uint64_t idle_ns = host_.options().ring_idle_ns;
  if (now < last_message_ns_ + idle_ns) {
    return host_.loop().arm(rings_->idle_timer, last_message_ns_ + idle_ns);
  }
  if (!may_retire_rings()) return host_.loop().arm(rings_->idle_timer, now + idle_ns);
  if (rings_->consumer.prepare_retire()) {
    // A record came in that moment, and its sender waits for what we decide.
    rings_->consumer.unpark();
    make_hot();
    return host_.loop().arm(rings_->idle_timer, now + idle_ns);
  }
  rings_->consumer.retire();
  Poller::unlink();
  outbox_.attach(socket_.get(), nullptr);
  charges_.give_back_bytes(2 * ring::segment_bytes(ring_bytes()));
  rings_.reset();
  --host_.with_rings_;
  has_retired_ = true;
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
  inbox_.forget_files();
  TRY(charge_inbox());
  if (offer->ring_bytes != 0) {
    const auto made = make_rings(frame, offer->ring_bytes);
    if (!made && made.error().code == ErrorCode::kProtocolViolation) {
      return violation("offer of rings with an unacceptable memory file");
    }
  }
  outbox_.attach(socket_.get(), rings_.get());
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
      rings_ ? rings_->own.fd() : -1};
  if (TRY(ring::send_frame(socket_.get(), frame)) != ring::SendStatus::kSent) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  }
  if (rings_) rings_->own.close_fd();
  return {};
}

}  // namespace mcpwire::io
