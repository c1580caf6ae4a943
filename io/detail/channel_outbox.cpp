// SPDX-License-Identifier: MIT
#include "io/detail/channel_outbox.hpp"

#include "protocol/base/check.hpp"
#include "protocol/params.hpp"
#include "ring/control_socket.hpp"

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

void ChannelOutbox::attach(int socket_fd, ChannelRings* rings, SlabKeeper* slab_keeper) {
  socket_fd_ = socket_fd;
  rings_ = rings;
  slab_keeper_ = slab_keeper;
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
    if (auto message = try_file(header, correlation, head, body)) return keep(*std::move(message));
  } else if (rings_ != nullptr && bytes >= kFileBytesMin &&
             pending_bytes_ + bytes > pending_bytes_max_) {
    if (auto message = try_file(header, correlation, head, body)) return keep(*std::move(message));
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

Result<void> ChannelOutbox::keep(Message message) {
  if (!has_pending()) {
    drop_sent();
    const Result<Step> step = advance(message);
    if (!step) {
      if (message.file && message.file_life == protocol::MemoryLife::kOnce) {
        charges_.remove_answer_files(1);
      }
      return fail(step.error());
    }
    if (*step == Step::kDone) return {};
  }
  pending_bytes_ += message.kept_bytes();
  pending_.push_back(std::move(message));
  note_kept();
  return {};
}

Result<bool> ChannelOutbox::flush() {
  bool any = false;
  while (has_pending()) {
    Message& message = pending_[first_];
    const std::size_t before = message.kept_bytes();
    const std::size_t sent_before = message.sent_bytes;
    const Step step = TRY(advance(message));
    const std::size_t left = step == Step::kDone ? 0 : message.kept_bytes();
    any = any || left != before || message.sent_bytes != sent_before;
    pending_bytes_ -= before - left;
    note_kept();
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
  if (message.file && TRY(send_file(message)) == Step::kFull) return Step::kFull;
  return send_pieces(message);
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
  if (message.file_life == protocol::MemoryLife::kOnce) {
    ++sent_files_;
    sent_file_bytes_ += message.file_bytes;
    note_kept();
  }
  message.file.reset();
  message.file_bytes = 0;
  return Step::kDone;
}

std::size_t ChannelOutbox::next_piece_bytes(const Message& message) const noexcept {
  const std::size_t bytes_max =
      rings_ == nullptr ? protocol::kInlinePayloadBytesMax : rings_->producer.payload_bytes_max();
  return std::min(message.payload.size() - message.sent_bytes, bytes_max);
}

/// One piece, as a rule.
Result<ChannelOutbox::Step> ChannelOutbox::send_pieces(Message& message) {
  const ByteSpan payload = as_bytes(message.payload);
  for (;;) {
    const std::size_t bytes = next_piece_bytes(message);
    const bool is_last = message.sent_bytes + bytes == payload.size();
    RequestHeader header = message.header;
    if (!is_last) header.flags |= protocol::flag::kMore;
    const ByteSpan piece = payload.subspan(message.sent_bytes, bytes);
    const Step step = rings_ == nullptr ? TRY(send_piece(header, message.correlation, piece))
                                        : TRY(push_piece(header, message.correlation, piece));
    if (step == Step::kFull) return Step::kFull;
    message.sent_bytes += bytes;
    if (is_last) return Step::kDone;
  }
}

Result<ChannelOutbox::Step> ChannelOutbox::push_piece(const RequestHeader& header,
                                                      std::uint64_t correlation, ByteSpan piece) {
  socket_full_ = false;
  ring::Producer& producer = rings_->producer;
  if (!producer.try_push(header, correlation, piece, {})) {
    if (producer.peer_is_corrupt()) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                  std::string("impossible consumer position"));
    }
    return Step::kFull;
  }
  ring_if_asleep();
  return Step::kDone;
}

Result<ChannelOutbox::Step> ChannelOutbox::send_piece(const RequestHeader& header,
                                                      std::uint64_t correlation, ByteSpan piece) {
  const auto sent = TRY(ring::send_frame(socket_fd_, {header, correlation, piece, {}, -1}));
  socket_full_ = sent == ring::SendStatus::kWouldBlock;
  return socket_full_ ? Step::kFull : Step::kDone;
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
  return rings_->producer.prepare_park(
      static_cast<std::uint32_t>(next_piece_bytes(pending_[first_])));
}

void ChannelOutbox::unpark() noexcept {
  if (rings_ != nullptr) rings_->producer.unpark();
}

}  // namespace mcpwire::io::detail
