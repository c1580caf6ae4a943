// SPDX-License-Identifier: MIT
#include "client/detail/link.hpp"

#include "client/detail/interruption.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/sealed_payload.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameHeader;
using protocol::FrameKind;
using protocol::Method;

namespace {

Failure violation() { return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation); }

/// Of files whose record has not come yet. The daemon pushes the record right behind its file
/// unless our ring is full, so this bounds only a daemon that has gone wrong.
constexpr std::size_t kMemoryFilesMax = 512;

class NullSink final : public Link::Sink {
  void on_message(const FrameHeader&, std::string&&) override {}
};

bool is_event(const FrameHeader& header, Method method) noexcept {
  return protocol::kind_of(header.request.flags) == FrameKind::kEvent &&
         header.request.method == static_cast<std::uint32_t>(method);
}

bool is_answer(const FrameHeader& header) noexcept {
  const FrameKind kind = protocol::kind_of(header.request.flags);
  return kind == FrameKind::kResponse || kind == FrameKind::kError;
}

/// Frames of one message differ in nothing but MORE and the length.
bool continues(const FrameHeader& first, const FrameHeader& next) noexcept {
  constexpr std::uint32_t kSame = ~protocol::flag::kMore;
  return first.correlation == next.correlation && first.request.method == next.request.method &&
         (first.request.flags & kSame) == (next.request.flags & kSame);
}

}  // namespace

Link::PumpEnd Link::pump(Sink& sink, std::uint64_t deadline_ns) {
  for (;;) {
    if (rings_ ? take_records(sink) : take_socket_frames(sink)) return PumpEnd::kProgress;
    if (lost_) return PumpEnd::kLost;
    const PumpEnd end = rings_ ? wait_for_records(sink, deadline_ns) : wait_for_socket(deadline_ns);
    if (end == PumpEnd::kLost) {
      drain(sink);
      lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
    }
    if (end != PumpEnd::kProgress) return end;
  }
}

bool Link::take_records(Sink& sink) {
  bool any = false;
  while (!distrusts_messages_ && rings_) {
    const auto view = rings_->consumer.peek();
    if (!view) {
      lose_trust(view.error());
      return any;
    }
    if (!*view) return any;
    ++frames_taken_;
    const FrameHeader header = (*view)->header;
    std::string payload(as_text((*view)->volatile_payload));
    rings_->consumer.release();
    any = true;
    if (auto taken = take_frame(sink, header, std::move(payload)); !taken) {
      lose_trust(std::move(taken).error());
    }
  }
  return any;
}

bool Link::take_socket_frames(Sink& sink) {
  bool any = false;
  while (!distrusts_messages_) {
    auto frame = ring::recv_frame(socket_.get(), buffer_);
    if (!frame) {
      if (note_unreadable(frame.error())) continue;
      lose_socket(std::move(frame).error());
      return any;
    }
    if (!*frame) return any;
    ++frames_taken_;
    const auto delivered = take_socket_frame(sink, **frame);
    if (!delivered) {
      lose_socket(delivered.error());
      return any;
    }
    any = any || *delivered;
  }
  return any;
}

/// With rings no message comes this way: what is in them stays as good as it was.
void Link::lose_socket(Error why) {
  if (rings_ || why.kind == ErrorKind::kDisconnected) return lose(std::move(why));
  lose_trust(std::move(why));
}

/// True if it was more than a doorbell or a memory file.
Result<bool> Link::take_socket_frame(Sink& sink, ring::ReceivedFrame& frame) {
  const FrameHeader& header = frame.header;
  if (is_event(header, Method::kDoorbell)) return false;
  if (is_event(header, Method::kMemory)) {
    const auto event = TRY(protocol::PayloadReader(frame.payload).fixed<protocol::MemoryEvent>());
    if (frame.lost_attachment) {
      return fail(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg"));
    }
    if (!frame.attached || memory_files_.size() == kMemoryFilesMax) return violation();
    memory_files_.push_back({event.slab, event.generation, event.bytes, std::move(frame.attached)});
    return false;
  }
  if (header.request.method == static_cast<std::uint32_t>(Method::kRings)) {
    TRY(take_rings_answer(frame));
    return false;
  }
  if (rings_) return violation();  // Everything else would come through the ring.
  TRY(take_frame(sink, header, std::string(as_text(frame.payload))));
  return true;
}

Result<void> Link::take_frame(Sink& sink, FrameHeader header, std::string payload) {
  if (is_event(header, Method::kIntent)) return take_intent(as_bytes(payload));
  const protocol::Payload where = protocol::payload_of(header.request, as_bytes(payload));
  if (const auto* mapped = std::get_if<protocol::MmapPayload>(&where)) {
    payload = TRY(take_mapped(mapped->descriptor));
    header.request.flags &= ~protocol::flag::kMapped;
  }
  const bool is_last = (header.request.flags & protocol::flag::kMore) == 0;
  if (partial_) {
    if (!continues(partial_->header, header)) return violation();
    if (partial_->payload.size() + payload.size() > protocol::kMessageBytesMax) return violation();
    partial_->payload += payload;
    if (!is_last) return {};
    payload = std::move(partial_->payload);
    partial_.reset();
  } else if (!is_last) {
    partial_ = Partial{header, std::move(payload)};
    return {};
  }
  header.request.payload_len = static_cast<std::uint32_t>(payload.size());
  if (is_answer(header)) intents_.erase(header.correlation);
  sink.on_message(header, std::move(payload));
  return {};
}

Result<std::string> Link::take_mapped(const protocol::MappedDescriptor& descriptor) {
  const auto find = [&] {
    return std::ranges::find_if(memory_files_, [&](const MemoryFile& file) {
      return file.slab == descriptor.slab && file.generation == descriptor.generation;
    });
  };
  auto found = find();
  if (found == memory_files_.end() && rings_) {
    // The file was sent before the record, but the socket is read only now. Frames for the sink do
    // not come this way where there are rings.
    NullSink nobody;
    take_socket_frames(nobody);
    found = find();
  }
  if (found == memory_files_.end()) return violation();
  MemoryFile file = std::move(*found);
  memory_files_.erase(found);
  const ring::SealedMapping mapping = TRY(ring::SealedMapping::map(std::move(file.fd), file.bytes));
  if (!protocol::descriptor_fits(descriptor, file.bytes)) return violation();
  return std::string(as_text(mapping.bytes().subspan(descriptor.offset, descriptor.length)));
}

Link::PumpEnd Link::wait_for_records(Sink& sink, std::uint64_t deadline_ns) {
  for (;;) {
    const auto outcome = rings_->waiter.wait_blocking(deadline_ns);
    if (!outcome) {
      lose(outcome.error());
      return PumpEnd::kLost;
    }
    switch (*outcome) {
      case ring::WaitOutcome::kData:
      case ring::WaitOutcome::kSpace:
        return PumpEnd::kProgress;
      case ring::WaitOutcome::kControlFrame:
        take_socket_frames(sink);
        if (lost_) return PumpEnd::kLost;
        if (!rings_) return PumpEnd::kProgress;
        break;
      case ring::WaitOutcome::kTimeout:
        return PumpEnd::kTimeout;
      case ring::WaitOutcome::kInterrupted:
      case ring::WaitOutcome::kPeerGone:
        if (take_interrupt()) return PumpEnd::kInterrupted;
        if (lost_) return PumpEnd::kLost;
        if (*outcome == ring::WaitOutcome::kPeerGone && !is_peer_alive()) return PumpEnd::kLost;
        break;
    }
  }
}

Link::PumpEnd Link::wait_for_socket(std::uint64_t deadline_ns) {
  switch (wait_ready({socket_.get(), POLLIN, pidfd_.get()}, deadline_ns, interrupt_)) {
    case WaitEnd::kTimeout:
      return PumpEnd::kTimeout;
    case WaitEnd::kInterrupted:
      return PumpEnd::kInterrupted;
    case WaitEnd::kReady:
      break;
  }
  // A killed daemon's socket may close some milliseconds later: what it sent is there already.
  if (pidfd_ && wait_readable(pidfd_.get(), 0, {}) == WaitEnd::kReady) return PumpEnd::kLost;
  return PumpEnd::kProgress;
}

}  // namespace mcpwire::client::detail
