// SPDX-License-Identifier: MIT
//
// The receiving half of a channel: handshake, socket frames, ring records.
#include "io/client_channel.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/payload_codec.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace mcpwire::io {

using protocol::FrameHeader;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

namespace {

// What one client may make the loop do before the next one has its turn.
constexpr std::size_t kMessagesPerTurnMax = 32;
constexpr std::size_t kBytesPerTurnMax = 256 * 1024;

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

bool is_frame(const FrameHeader& header, FrameKind kind, Method method) noexcept {
  return protocol::kind_of(header.request.flags) == kind &&
         header.request.method == static_cast<std::uint32_t>(method);
}

}  // namespace

void ClientChannel::on_ready(unsigned events) {
  make_hot();  // Whatever it is, it may announce a record.
  if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0) peer_hung_up_ = true;
  read_socket();
}

void ClientChannel::read_socket() {
  socket_has_more_ = false;
  std::size_t bytes = 0;
  for (std::size_t count = 0; state_ == State::kHandshake || state_ == State::kOpen; ++count) {
    if (inbox_.is_full() || (!rings_ && is_throttled())) {
      // Nothing will tell again that the client is gone, and its files would stay.
      if (peer_hung_up_) return shut(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
      socket_has_more_ = true;  // take_records() or flush() goes on.
      return;
    }
    if (count == kMessagesPerTurnMax || bytes > kBytesPerTurnMax) {
      socket_has_more_ = true;
      return host_.loop().post_next_turn(later_);
    }
    if (!may_read_bells()) {
      socket_has_more_ = true;
      return;
    }
    auto frame = ring::recv_frame(socket_.get(), host_.scratch_);
    if (!frame) {
      if (state_ == State::kHandshake && frame.error().code == ErrorCode::kVersionMismatch) {
        return refuse_hello(0, "unknown wire version in the frame header");
      }
      return shut(frame.error());
    }
    if (!*frame) return;
    bytes += (*frame)->payload.size();
    const auto taken =
        state_ == State::kHandshake ? take_hello(**frame) : take_socket_frame(**frame);
    if (!taken) return shut(taken.error());
  }
}

Result<void> ClientChannel::take_socket_frame(ring::ReceivedFrame& frame) {
  const FrameHeader& header = frame.header;
  if ((rings_ || has_retired_) && bells_left_ != 0) --bells_left_;
  if (is_frame(header, FrameKind::kEvent, Method::kDoorbell)) {
    const bool may_ring = rings_ || has_retired_;  // It may have been rung before it was retired.
    return may_ring && frame.payload.empty() ? Result<void>{}
                                             : violation("doorbell without a ring");
  }
  if (header.request.method == static_cast<std::uint32_t>(Method::kHello)) {
    return violation("HELLO twice");
  }
  if (is_frame(header, FrameKind::kEvent, Method::kMemory)) {
    if (!rings_ && !has_retired_) return violation("memory file without shared memory");
    if (frame.lost_attachment) {
      return fail(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg"));
    }
    TRY(inbox_.keep_file(frame.payload, std::move(frame.attached)));
    return charge_inbox();
  }
  if (header.request.method == static_cast<std::uint32_t>(Method::kRings)) {
    return take_rings_offer(frame);
  }
  if (frame.attached) return violation("descriptor that nobody asked for");
  if (rings_ || has_retired_) return violation("data beside the ring");
  auto message = TRY(inbox_.take(header, frame.payload, detail::ChannelInbox::Carrier::kSocket));
  TRY(charge_inbox());
  if (message) deliver(message->header, message->payload());
  return {};
}

Result<void> ClientChannel::take_hello(ring::ReceivedFrame& frame) {
  const FrameHeader header = frame.header;
  if (!is_frame(header, FrameKind::kRequest, Method::kHello) ||
      (header.request.flags & ~protocol::flag::kKindMask) != 0) {
    return violation("frame before HELLO");
  }
  std::uint64_t supported = protocol::feature::kSupported;
  if (host_.options().shared_memory == SharedMemoryPolicy::kRefuse) {
    supported &= ~protocol::feature::kSharedMemory;
  }
  detail::HelloVerdict verdict = TRY(detail::judge_hello(frame.payload, supported));
  if (verdict.refusal.empty() && verdict.ring_bytes != 0) TRY(share_memory(frame, verdict));
  if (!verdict.refusal.empty()) {
    refuse_hello(header.correlation, verdict.refusal);
    return {};
  }
  TRY(answer_hello(header.correlation, verdict));
  renews_rings_ = (verdict.features & protocol::feature::kRingRenewal) != 0;
  state_ = State::kOpen;
  --host_.handshaking_;
  charges_.end_handshake();
  ++host_.open_;
  handshake_timer_.reset();
  if ((verdict.features & protocol::feature::kSlabs) != 0) outbox_.use_slabs(host_.slabs_);
  outbox_.attach(socket_.get(), rings_.get());
  if (rings_) host_.spin_budget_.on_request(rings_->spin_seat, host_.loop().now_ns());
  await_idleness();
  make_hot();
  receiver_->on_frame(header, frame.payload);
  return {};
}

/// Makes the rings; where this process can make or map none, the client is served on the socket.
Result<void> ClientChannel::share_memory(ring::ReceivedFrame& frame,
                                         detail::HelloVerdict& verdict) {
  if (!frame.attached && !frame.lost_attachment) {
    return violation("HELLO without the client's memory file");
  }
  const auto made = make_rings(frame, verdict.ring_bytes);
  if (made) return {};
  if (made.error().code == ErrorCode::kProtocolViolation) {
    return violation("HELLO with an unacceptable memory file");
  }
  verdict.withhold_shared_memory(made.error());
  return {};
}

Result<void> ClientChannel::answer_hello(std::uint64_t correlation,
                                         const detail::HelloVerdict& verdict) {
  protocol::PayloadBuilder<protocol::HelloReply> builder;
  builder.fixed.version = protocol::kWireVersion;
  builder.fixed.features = verdict.features;
  builder.fixed.daemon_instance = host_.options().daemon_instance;
  builder.fixed.daemon_pid = host_.options().daemon_pid;
  builder.fixed.ring_bytes = verdict.ring_bytes;
  builder.fixed.daemon_version = builder.add(host_.options().daemon_version);
  const std::string reply = builder.take();
  const ring::OutgoingFrame frame{
      protocol::make_header(FrameKind::kResponse, Method::kHello, Outcome::kOk),
      correlation,
      as_bytes(reply),
      {},
      rings_ ? rings_->own.fd() : -1};
  if (TRY(ring::send_frame(socket_.get(), frame)) != ring::SendStatus::kSent) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  }
  if (rings_) rings_->own.close_fd();
  return {};
}

void ClientChannel::refuse_hello(std::uint64_t correlation, const std::string& message) {
  const std::string refusal = detail::build_refusal(message, protocol::feature::kSupported);
  // If it cannot be sent, the closed connection says as much.
  static_cast<void>(ring::send_frame(
      socket_.get(), {protocol::make_header(FrameKind::kError, Method::kHello, Outcome::kRejected),
                      correlation,
                      as_bytes(refusal),
                      {},
                      -1}));
  shut(Error::with_detail(ErrorKind::kUnsupported, ErrorCode::kVersionMismatch, message));
}

/// True if there was any.
Result<bool> ClientChannel::take_records() {
  std::size_t count = 0;
  std::size_t bytes = 0;
  SocketLook look = SocketLook::kAllowed;
  record_waits_ = false;
  while (state_ == State::kOpen && !is_throttled() && count < kMessagesPerTurnMax &&
         bytes < kBytesPerTurnMax) {
    const auto view = rings_->consumer.peek();
    if (!view) return violation("record that no producer writes");
    if (!*view) break;
    record_waits_ = !is_file_here(**view, look);
    if (record_waits_ || state_ != State::kOpen) break;
    ++count;
    bytes += TRY(take_record(**view));
  }
  if (count == 0 || state_ != State::kOpen) return count != 0;
  last_message_ns_ = host_.loop().now_ns();
  earn_bells(count);
  if (rings_->consumer.peer_waits_for_space()) {
    static_cast<void>(ring::ring_doorbell(socket_.get()));
  }
  if (socket_has_more_ && !bell_pause_ && !inbox_.is_full()) host_.loop().post_next_turn(later_);
  return true;
}

/// The bytes of the message, which a mapped record only points to.
Result<std::size_t> ClientChannel::take_record(const ring::FrameView& view) {
  const FrameHeader header = view.header;
  const std::size_t bytes = view.volatile_payload.size();
  if ((header.request.flags & protocol::flag::kMapped) == 0) {
    if (host_.scratch_.size() < bytes) host_.scratch_.resize(bytes);
    copy_bytes(host_.scratch_, view.volatile_payload);
    rings_->consumer.release();
    TRY(take_message(header, ByteSpan(host_.scratch_).first(bytes)));
    return bytes;
  }
  std::array<std::byte, sizeof(protocol::MappedDescriptor)> descriptor;
  copy_bytes(descriptor, view.volatile_payload);
  rings_->consumer.release();
  TRY(take_message(header, descriptor));
  const auto mapped = load_object<protocol::MappedDescriptor>(descriptor);
  return static_cast<std::size_t>(std::min<std::uint64_t>(mapped.length, kBytesPerTurnMax));
}

Result<void> ClientChannel::take_message(const FrameHeader& header, ByteSpan payload) {
  if (is_frame(header, FrameKind::kEvent, Method::kSlabCredit)) {
    return outbox_.take_credit(payload);
  }
  auto message = TRY(inbox_.take(header, payload, detail::ChannelInbox::Carrier::kRing));
  TRY(charge_inbox());
  if (message) deliver(message->header, message->payload());
  return {};
}

/// What waits in the inbox for the rest of its message. More than the share ends the connection.
Result<void> ClientChannel::charge_inbox() {
  const bool has_share = charges_.try_hold_files(inbox_.file_count()) &&
                         charges_.try_hold_partial(inbox_.partial_bytes());
  if (has_share) return {};
  host_.note_over_quota(charges_.process(), "unfinished messages");
  return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
}

void ClientChannel::deliver(const FrameHeader& header, ByteSpan payload) {
  if (receiver_ == nullptr) return;
  if (protocol::kind_of(header.request.flags) != FrameKind::kRequest) {
    return receiver_->on_frame(header, payload);
  }
  if (rings_) host_.spin_budget_.on_request(rings_->spin_seat, host_.loop().now_ns());
  if (!charges_.try_begin(header.correlation, payload.size())) {
    return refuse_request(header, "calls under way");
  }
  ++unanswered_;
  ++host_.unanswered_;
  delivering_ = header.correlation;
  receiver_->on_frame(header, payload);
  const bool was_answered_at_once = std::exchange(delivering_, 0) == 0;
  if (was_answered_at_once) {
    look_out_for_next();
  } else if (state_ == State::kOpen) {
    host_.loop().cancel_spin();  // The server that will answer needs the processor.
  }
}

/// This request only; what the process has under way goes on.
void ClientChannel::refuse_request(const FrameHeader& header, const char* what) {
  host_.note_over_quota(charges_.process(), what);
  const std::string body = protocol::build_error_body(
      Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                         std::string("this process has too many ") + what),
      false);
  const auto method = static_cast<Method>(header.request.method);
  const auto sent =
      outbox_.send(protocol::make_header(FrameKind::kError, method, Outcome::kRejected),
                   header.correlation, as_bytes(body), {});
  note_pending();
  if (!sent) return shut(sent.error());
  look_for_room();
}

void ClientChannel::look_out_for_next() {
  const std::uint64_t spin_ns = host_.options().spin_ns;
  if (state_ != State::kOpen || spin_ns == 0 || host_.unanswered_ != 0) return;
  const std::uint64_t until = host_.spin_.look_out_until(monotonic_now_ns(), spin_ns);
  if (until != 0) host_.loop().hint_spin_until(until);
}

}  // namespace mcpwire::io
