// SPDX-License-Identifier: MIT
#include "client/detail/link.hpp"

#include "client/detail/interruption.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/sealed_payload.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace mcpwire::client::detail {

using protocol::CallState;
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

/// Frames of one message differ in nothing but MORE and the length.
bool continues(const FrameHeader& first, const FrameHeader& next) noexcept {
  constexpr std::uint32_t kSame = ~protocol::flag::kMore;
  return first.correlation == next.correlation && first.request.method == next.request.method &&
         (first.request.flags & kSame) == (next.request.flags & kSame);
}

}  // namespace

void Link::lose(Error why) {
  if (lost_) return;
  lost_ = true;
  loss_ = std::move(why);
}

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

void Link::drain(Sink& sink) {
  if (rings_) take_records(sink);
  take_socket_frames(sink);
}

CallState Link::revoke(Sink& sink, std::uint64_t correlation) {
  if (rings_) return rings_->call_words.revoke(correlation);
  // From here on the daemon's intent frames fail to be sent, and it writes to no server without
  // one. What it sent before is in our queue.
  ::shutdown(socket_.get(), SHUT_RD);
  drain(sink);
  lose(Error::of(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded));
  return state_after_loss(correlation);
}

CallState Link::state_after_loss(std::uint64_t correlation) const {
  if (rings_) return rings_->call_words.state(correlation);
  const auto found = intents_.find(correlation);
  return found == intents_.end() ? CallState::kNone : found->second;
}

bool Link::take_records(Sink& sink) {
  bool any = false;
  for (;;) {
    const auto view = rings_->consumer.peek();
    if (!view) {
      lose(view.error());
      return any;
    }
    if (!*view) return any;
    const FrameHeader header = (*view)->header;
    std::string payload(as_text((*view)->volatile_payload));
    rings_->consumer.release();
    any = true;
    if (auto taken = take_frame(sink, header, std::move(payload)); !taken) {
      lose(std::move(taken).error());
      return any;
    }
  }
}

bool Link::take_socket_frames(Sink& sink) {
  bool any = false;
  for (;;) {
    auto frame = ring::recv_frame(socket_.get(), buffer_);
    if (!frame) {
      // A reset is reported before what had arrived until then; the end of file comes behind it.
      const bool may_have_more =
          frame.error().kind == ErrorKind::kDisconnected && !std::exchange(reset_seen_, true);
      if (may_have_more) continue;
      lose(std::move(frame).error());
      return any;
    }
    if (!*frame) return any;
    const auto delivered = take_socket_frame(sink, **frame);
    if (!delivered) {
      lose(delivered.error());
      return any;
    }
    any = any || *delivered;
  }
}

/// True if it was more than a doorbell or a memory file.
Result<bool> Link::take_socket_frame(Sink& sink, ring::ReceivedFrame& frame) {
  const FrameHeader& header = frame.header;
  if (is_event(header, Method::kDoorbell)) return false;
  if (is_event(header, Method::kMemory)) {
    const auto event = TRY(protocol::PayloadReader(frame.payload).fixed<protocol::MemoryEvent>());
    if (!frame.attached || memory_files_.size() == kMemoryFilesMax) return violation();
    memory_files_.push_back({event.slab, event.generation, event.bytes, std::move(frame.attached)});
    return false;
  }
  if (rings_) return violation();  // Everything else would come through the ring.
  TRY(take_frame(sink, header, std::string(as_text(frame.payload))));
  return true;
}

Result<void> Link::take_frame(Sink& sink, FrameHeader header, std::string payload) {
  if (is_event(header, Method::kIntent)) {
    const auto intent =
        TRY(protocol::PayloadReader(as_bytes(payload)).fixed<protocol::IntentEvent>());
    if (intent.call_state > static_cast<std::uint32_t>(CallState::kDone)) return violation();
    intents_[intent.correlation] = static_cast<CallState>(intent.call_state);
    return {};
  }
  if ((header.request.flags & protocol::flag::kMapped) != 0) {
    payload = TRY(take_mapped(as_bytes(payload)));
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
  sink.on_message(header, std::move(payload));
  return {};
}

Result<std::string> Link::take_mapped(ByteSpan bytes) {
  const auto descriptor = load_object<protocol::MappedDescriptor>(bytes);
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

Result<ring::WaitOutcome> Link::wait_on_ring(std::uint64_t deadline_ns) {
  Rings& rings = *rings_;
  if (!rings.spin_policy.may_spin()) return rings.sleeping_waiter.wait_blocking(deadline_ns);
  const std::uint64_t parks_before = rings.waiter.counters().parks;
  auto outcome = rings.waiter.wait_blocking(deadline_ns);
  if (rings.waiter.counters().parks != parks_before) {
    rings.spin_policy.in_vain();
  } else {
    rings.spin_policy.paid();
  }
  return outcome;
}

Link::PumpEnd Link::wait_for_records(Sink& sink, std::uint64_t deadline_ns) {
  for (;;) {
    const auto outcome = wait_on_ring(deadline_ns);
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
        break;
      case ring::WaitOutcome::kTimeout:
        return PumpEnd::kTimeout;
      case ring::WaitOutcome::kInterrupted:
        if (take_interruption(interrupt_)) return PumpEnd::kInterrupted;
        break;
      case ring::WaitOutcome::kPeerGone:
        return take_interruption(interrupt_) ? PumpEnd::kInterrupted : PumpEnd::kLost;
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
