// SPDX-License-Identifier: MIT
//
// The receiving half of a channel: socket frames, ring records, and what becomes of them.
#include "io/client_channel.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/payload_codec.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace mcpwire::io {

using detail::ChannelInbox;
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

Error over_share(std::string_view what) {
  return Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                            "this process has too many " + std::string(what));
}

}  // namespace

void ClientChannel::on_ready(unsigned events) {
  if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0) peer_hung_up_ = true;
  if (state_ == State::kHandshake || state_ == State::kOpen) static_cast<void>(ensure_active());
  make_hot();  // Whatever it is, it may announce a record.
  read_socket();
}

void ClientChannel::read_socket() {
  socket_has_more_ = false;
  std::size_t bytes = 0;
  for (std::size_t count = 0; state_ == State::kHandshake || state_ == State::kOpen; ++count) {
    if (!ensure_active()) return;
    if (active_->inbox.is_full() || (!active_->rings && is_throttled())) {
      // Nothing will tell again that the client is gone, and its files would stay.
      if (peer_hung_up_) return shut(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
      socket_has_more_ = true;  // take_records() or flush() goes on.
      return;
    }
    if (count == kMessagesPerTurnMax || bytes > kBytesPerTurnMax) {
      socket_has_more_ = true;
      return host_.loop().post_next_turn(active_->later);
    }
    if (!may_read_bells()) {
      socket_has_more_ = true;
      return;
    }
    auto frame = ring::recv_frame(socket_.get(), host_.scratch_);
    if (!frame) {
      if (state_ == State::kHandshake && frame.error().code == ErrorCode::kVersionMismatch) {
        return refuse_hello(0,
                            Error::with_detail(ErrorKind::kUnsupported, ErrorCode::kVersionMismatch,
                                               "unknown wire version in the frame header"));
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
  Active& active = *active_;
  if (speaks_through_rings() && active.bells_left != 0) --active.bells_left;
  if (is_frame(header, FrameKind::kEvent, Method::kDoorbell)) {
    // It may have been rung before the rings were given back.
    return speaks_through_rings() && frame.payload.empty() ? Result<void>{}
                                                           : violation("doorbell without a ring");
  }
  if (header.request.method == static_cast<std::uint32_t>(Method::kHello)) {
    return violation("HELLO twice");
  }
  if (is_frame(header, FrameKind::kEvent, Method::kMemory)) return take_memory_file(frame);
  if (header.request.method == static_cast<std::uint32_t>(Method::kRings)) {
    return take_rings_offer(frame);
  }
  if (frame.attached) return violation("descriptor that nobody asked for");
  if (speaks_through_rings()) return violation("data beside the ring");
  return take_message(header, frame.payload, ChannelInbox::Carrier::kSocket);
}

/// One that we have no descriptor for, or the client no share, costs it the message, not the rest.
Result<void> ClientChannel::take_memory_file(ring::ReceivedFrame& frame) {
  if (!speaks_through_rings()) return violation("memory file without shared memory");
  Active& active = *active_;
  if (frame.lost_attachment) return active.inbox.note_lost_file(frame.payload);
  TRY(active.inbox.keep_file(frame.payload, std::move(frame.attached)));
  if (const char* too_much = hold_received_files()) {
    host_.note_over_quota(process(), too_much);
    active.inbox.drop_newest_file(over_share(too_much));
  }
  return {};
}

const char* ClientChannel::hold_received_files() {
  const ChannelInbox& inbox = active_->inbox;
  return active_->charges.try_hold_received(inbox.file_count(), inbox.file_bytes());
}

/// True if there was any.
Result<bool> ClientChannel::take_records() {
  std::size_t count = 0;
  std::size_t bytes = 0;
  SocketLook look = SocketLook::kAllowed;
  Active& active = *active_;
  active.record_waits = false;
  while (state_ == State::kOpen && !is_throttled() && count < kMessagesPerTurnMax &&
         bytes < kBytesPerTurnMax) {
    const auto view = active.rings->consumer.peek();
    if (!view) return violation("record that no producer writes");
    if (!*view) break;
    active.record_waits = !is_file_here(**view, look);
    if (active.record_waits || state_ != State::kOpen) break;
    ++count;
    bytes += TRY(take_record(**view));
  }
  if (count == 0 || state_ != State::kOpen) return count != 0;
  active.last_message_ns = host_.loop().now_ns();
  earn_bells(count);
  if (active.rings->consumer.peer_waits_for_space()) {
    static_cast<void>(ring::ring_doorbell(socket_.get()));
  }
  if (socket_has_more_ && !active.bell_pause && !active.inbox.is_full()) {
    host_.loop().post_next_turn(active_->later);
  }
  return true;
}

/// The bytes of the message, which a mapped record only points to.
Result<std::size_t> ClientChannel::take_record(const ring::FrameView& view) {
  const FrameHeader header = view.header;
  const std::size_t bytes = view.volatile_payload.size();
  ring::Consumer& consumer = active_->rings->consumer;
  if ((header.request.flags & protocol::flag::kMapped) == 0) {
    if (host_.scratch_.size() < bytes) host_.scratch_.resize(bytes);
    copy_bytes(host_.scratch_, view.volatile_payload);
    consumer.release();
    if (is_frame(header, FrameKind::kEvent, Method::kSlabCredit)) {
      TRY(active_->outbox.take_credit(ByteSpan(host_.scratch_).first(bytes)));
      return bytes;
    }
    TRY(take_message(header, ByteSpan(host_.scratch_).first(bytes), ChannelInbox::Carrier::kRing));
    return bytes;
  }
  std::array<std::byte, sizeof(protocol::MappedDescriptor)> descriptor;
  copy_bytes(descriptor, view.volatile_payload);
  consumer.release();
  TRY(take_message(header, descriptor, ChannelInbox::Carrier::kRing));
  const auto mapped = load_object<protocol::MappedDescriptor>(descriptor);
  return static_cast<std::size_t>(std::min<std::uint64_t>(mapped.length, kBytesPerTurnMax));
}

Result<void> ClientChannel::take_message(const FrameHeader& header, ByteSpan payload,
                                         ChannelInbox::Carrier carrier) {
  Active& active = *active_;
  auto message = active.inbox.take(header, payload, carrier);
  static_cast<void>(hold_received_files());  // Never more.
  if (!message) {
    if (message.error().kind == ErrorKind::kInvalid) return fail(std::move(message).error());
    refuse(header, message.error());
    return {};
  }
  bound_partial();
  if (!*message) return {};
  if ((*message)->dropped) {
    refuse((*message)->header, *(*message)->dropped);
  } else {
    host_.delivered_ = &**message;
    deliver((*message)->header, (*message)->payload());
    host_.delivered_ = nullptr;
  }
  return {};
}

/// Pieces beyond what is kept cost the client their message.
void ClientChannel::bound_partial() {
  Active& active = *active_;
  const std::size_t bytes = active.inbox.partial_bytes();
  if (bytes > host_.options().reassembly_bytes_max) {
    active.inbox.drop_partial(
        Error::with_detail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                           "a message in pieces may have " +
                               std::to_string(host_.options().reassembly_bytes_max) + " bytes"));
  } else if (!active.charges.try_hold_partial(bytes)) {
    host_.note_over_quota(process(), "bytes of unfinished messages");
    active.inbox.drop_partial(over_share("bytes of unfinished messages"));
  } else {
    return;
  }
  static_cast<void>(active.charges.try_hold_partial(0));
}

void ClientChannel::deliver(const FrameHeader& header, ByteSpan payload) {
  if (receiver_ == nullptr) return;
  if (protocol::kind_of(header.request.flags) != FrameKind::kRequest) {
    return receiver_->on_frame(header, payload);
  }
  Active& active = *active_;
  if (active.rings) host_.spin_budget_.on_request(active.rings->spin_seat, host_.loop().now_ns());
  if (const char* too_much = try_begin(header.correlation, payload.size())) {
    host_.note_over_quota(process(), too_much);
    return refuse(header, over_share(too_much));
  }
  ++active.unanswered;
  ++host_.unanswered_;
  active.delivering = header.correlation;
  receiver_->on_frame(header, payload);
  const bool was_answered_at_once = std::exchange(active.delivering, 0) == 0;
  if (was_answered_at_once) {
    look_out_for_next();
  } else if (state_ == State::kOpen) {
    host_.loop().cancel_spin();  // The server that will answer needs the processor.
  }
}

std::shared_ptr<const void> ClientChannel::keep_payload() {
  detail::InboundMessage* const message = host_.delivered_;
  // Bytes of the frame itself are in memory that the next one takes.
  if (message == nullptr || !message->is_apart()) return nullptr;
  return std::make_shared<detail::InboundMessage>(std::move(*message));
}

/// Null, or what the client's process has too much of.
const char* ClientChannel::try_begin(std::uint64_t correlation, std::size_t payload_bytes) {
  detail::ChannelCharges& charges = active_->charges;
  if (!charges.has_share_for_answers()) process().settle_answers(host_.loop().now_ns());
  return charges.try_begin(correlation, payload_bytes);
}

/// This message only; what the process has under way goes on. There is no answer to an event.
void ClientChannel::refuse(const FrameHeader& header, const Error& why) {
  if (protocol::kind_of(header.request.flags) != FrameKind::kRequest) return;
  const std::string body = protocol::build_error_body(why, false);
  const auto method = static_cast<Method>(header.request.method);
  const auto sent =
      active_->outbox.send(protocol::make_header(FrameKind::kError, method, Outcome::kRejected),
                           header.correlation, as_bytes(body), {});
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
