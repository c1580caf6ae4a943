// SPDX-License-Identifier: MIT
#include "io/detail/channel_outbox.hpp"

#include "protocol/base/check.hpp"
#include "protocol/params.hpp"
#include "protocol/payload.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/control_socket.hpp"
#include "ring/sealed_payload.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io::detail {

using protocol::FrameKind;
using protocol::Method;
using protocol::RequestHeader;

namespace {

/// Places of sent messages in front of the queue before it is moved up.
constexpr std::size_t kSentKeptMax = 64;

/// What is smaller takes no less memory in a file of its own.
constexpr std::size_t kFileBytesMin = 4096;

}  // namespace

void ChannelOutbox::attach(int socket_fd, ChannelRings* rings) {
  socket_fd_ = socket_fd;
  rings_ = rings;
  slabs_.reset();  // Of the rings before: the client forgets them too.
}

Result<void> ChannelOutbox::send(const RequestHeader& header, std::uint64_t correlation,
                                 ByteSpan head, ByteSpan body) {
  const std::size_t bytes = head.size() + body.size();
  if (bytes > protocol::kMessageBytesMax) return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge);
  if (!has_pending() && TRY(try_direct(header, correlation, head, body))) return {};
  if (has_pending() && protocol::kind_of(header.flags) == FrameKind::kEvent) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  }
  if (rings_ != nullptr && bytes > rings_->producer.payload_bytes_max()) {
    if (auto message = try_slab(header, correlation, head, body)) return keep(*std::move(message));
    return keep(TRY(make_mapped(header, correlation, head, body)));
  }
  if (rings_ != nullptr && bytes >= kFileBytesMin && pending_bytes_ + bytes > pending_bytes_max_) {
    auto mapped = make_mapped(header, correlation, head, body);
    if (mapped) return keep(*std::move(mapped));
    // Out of descriptors: memory it is.
  }
  Message message;
  message.header = header;
  message.correlation = correlation;
  message.payload.reserve(bytes);
  message.payload.append(as_text(head)).append(as_text(body));
  return keep(std::move(message));
}

/// Without a copy in between, where it can be done at once.
Result<bool> ChannelOutbox::try_direct(const RequestHeader& header, std::uint64_t correlation,
                                       ByteSpan head, ByteSpan body) {
  const std::size_t bytes = head.size() + body.size();
  if (rings_ == nullptr) {
    if (bytes > protocol::kInlinePayloadBytesMax) return false;
    return TRY(ring::send_frame(socket_fd_, {header, correlation, head, body, -1})) ==
           ring::SendStatus::kSent;
  }
  if (bytes > rings_->producer.payload_bytes_max()) return false;
  if (!rings_->producer.try_push(header, correlation, head, body)) return false;
  ring_if_asleep();
  return true;
}

void ChannelOutbox::ring_if_asleep() noexcept {
  // A client that is gone is noticed by its socket and its process, not here.
  if (rings_->producer.peer_needs_doorbell()) {
    static_cast<void>(ring::ring_doorbell(socket_fd_));
  }
}

/// The one copy that a large payload costs here: into memory that only this client sees.
std::optional<ChannelOutbox::Message> ChannelOutbox::try_slab(const RequestHeader& header,
                                                              std::uint64_t correlation,
                                                              ByteSpan head, ByteSpan body) {
  if (slab_keeper_ == nullptr) return std::nullopt;
  if (slabs_ == nullptr) slabs_ = std::make_unique<ChannelSlabs>(*slab_keeper_, *this);
  auto grant = slabs_->try_grant(head.size() + body.size(), next_slab_);
  if (!grant) return std::nullopt;
  copy_bytes(grant->bytes, head);
  copy_bytes(grant->bytes.subspan(head.size()), body);
  Message message;
  message.header = header;
  message.header.flags |= protocol::flag::kMapped;
  message.correlation = correlation;
  message.payload = as_text(object_bytes(grant->where));
  if (grant->new_file) {
    message.file = std::move(grant->new_file);
    message.file_bytes = grant->file_bytes;
    message.file_life = protocol::MemoryLife::kStays;
    message.slab = grant->where.slab;
    message.generation = grant->where.generation;
  }
  return message;
}

Result<void> ChannelOutbox::take_credit(ByteSpan slab_event) {
  const auto event = protocol::PayloadReader(slab_event).fixed<protocol::SlabEvent>();
  if (slab_keeper_ == nullptr || !event || event->reserved != 0) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("malformed credit, or nobody agreed to slabs"));
  }
  if (slabs_ == nullptr) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("credit for a slab that is not out"));
  }
  return slabs_->take_back(event->slab, event->generation);
}

void ChannelOutbox::retire_slabs(std::uint64_t before_ns) noexcept {
  while (!has_pending()) {
    const auto idle = slabs_->pool().idle_since(before_ns);
    if (!idle) return;
    const protocol::SlabEvent event{sizeof(protocol::SlabEvent), idle->slab, idle->generation, 0};
    // Quiet clients are not woken for it: they find it when they have something else to do.
    const bool is_told = rings_->producer.try_push(
        protocol::make_header(FrameKind::kEvent, Method::kSlabRetire), 0, object_bytes(event), {});
    if (!is_told) return;
    slabs_->pool().drop(*idle);
  }
}

Result<ChannelOutbox::Message> ChannelOutbox::make_mapped(const RequestHeader& header,
                                                          std::uint64_t correlation, ByteSpan head,
                                                          ByteSpan body) {
  Message message;
  message.file = TRY(ring::create_sealed(head, body));
  message.file_bytes = head.size() + body.size();
  message.slab = next_slab_++;
  message.header = header;
  message.header.flags |= protocol::flag::kMapped;
  message.correlation = correlation;
  const protocol::MappedDescriptor descriptor{message.slab, 1, 0, message.file_bytes};
  message.payload = as_text(object_bytes(descriptor));
  return message;
}

Result<void> ChannelOutbox::keep(Message message) {
  if (!has_pending()) {
    drop_sent();
    if (TRY(advance(message)) == Step::kDone) return {};
  }
  pending_bytes_ += message.payload.size() + message.file_bytes;
  pending_.push_back(std::move(message));
  return {};
}

Result<bool> ChannelOutbox::flush() {
  bool any = false;
  while (has_pending()) {
    Message& message = pending_[first_];
    const std::size_t before = message.payload.size() + message.file_bytes;
    const Step step = TRY(advance(message));
    const std::size_t left = step == Step::kDone ? 0 : message.payload.size() + message.file_bytes;
    any = any || left != before;
    pending_bytes_ -= before - left;
    if (step == Step::kFull) return any;
    if (message.ends_call && rings_ != nullptr) {
      rings_->call_words.publish(message.correlation, protocol::CallState::kDone);
    }
    message = Message();
    ++first_;
    if (first_ >= kSentKeptMax) {
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }
  drop_sent();
  return any;
}

bool ChannelOutbox::publish_done_behind(std::uint64_t correlation) noexcept {
  if (!has_pending() || pending_.back().correlation != correlation) return false;
  pending_.back().ends_call = true;
  return true;
}

void ChannelOutbox::drop_sent() noexcept {
  MCPWIRE_CHECK(!has_pending());
  MCPWIRE_CHECK(pending_bytes_ == 0);
  // An idle channel keeps no memory.
  pending_ = std::vector<Message>();
  first_ = 0;
}

Result<ChannelOutbox::Step> ChannelOutbox::advance(Message& message) {
  if (rings_ == nullptr) return send_pieces(message);
  if (message.file && TRY(send_file(message)) == Step::kFull) return Step::kFull;
  return push_record(message);
}

Result<ChannelOutbox::Step> ChannelOutbox::push_record(const Message& message) {
  socket_full_ = false;
  ring::Producer& producer = rings_->producer;
  if (!producer.try_push(message.header, message.correlation, as_bytes(message.payload), {})) {
    if (producer.peer_is_corrupt()) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                  std::string("impossible consumer position"));
    }
    return Step::kFull;
  }
  ring_if_asleep();
  return Step::kDone;
}

Result<ChannelOutbox::Step> ChannelOutbox::send_file(Message& message) {
  const protocol::MemoryEvent event{sizeof(protocol::MemoryEvent), message.slab, message.generation,
                                    message.file_life, message.file_bytes};
  const auto sent =
      TRY(ring::send_frame(socket_fd_, {protocol::make_header(FrameKind::kEvent, Method::kMemory),
                                        0,
                                        object_bytes(event),
                                        {},
                                        message.file.get()}));
  socket_full_ = sent == ring::SendStatus::kWouldBlock;
  if (socket_full_) return Step::kFull;
  message.file.reset();
  message.file_bytes = 0;
  return Step::kDone;
}

Result<ChannelOutbox::Step> ChannelOutbox::send_pieces(Message& message) {
  const ByteSpan payload = as_bytes(message.payload);
  for (;;) {
    const std::size_t bytes = std::min<std::size_t>(payload.size() - message.sent_bytes,
                                                    protocol::kInlinePayloadBytesMax);
    const bool is_last = message.sent_bytes + bytes == payload.size();
    ring::OutgoingFrame frame{
        message.header, message.correlation, payload.subspan(message.sent_bytes, bytes), {}, -1};
    if (!is_last) frame.header.flags |= protocol::flag::kMore;
    const auto sent = TRY(ring::send_frame(socket_fd_, frame));
    socket_full_ = sent == ring::SendStatus::kWouldBlock;
    if (socket_full_) return Step::kFull;
    message.sent_bytes += bytes;
    if (is_last) return Step::kDone;
  }
}

bool ChannelOutbox::send_intent(std::uint64_t correlation) noexcept {
  const protocol::IntentEvent event{sizeof(protocol::IntentEvent),
                                    static_cast<std::uint32_t>(protocol::CallState::kSending),
                                    correlation};
  const auto sent = ring::send_frame(
      socket_fd_,
      {protocol::make_header(FrameKind::kEvent, Method::kIntent), 0, object_bytes(event), {}, -1});
  return sent && *sent == ring::SendStatus::kSent;
}

Result<bool> ChannelOutbox::prepare_park() {
  if (rings_ == nullptr || !has_pending() || socket_full_) return false;
  return rings_->producer.prepare_park(static_cast<std::uint32_t>(pending_[first_].payload.size()));
}

void ChannelOutbox::unpark() noexcept {
  if (rings_ != nullptr) rings_->producer.unpark();
}

}  // namespace mcpwire::io::detail
