// SPDX-License-Identifier: MIT
#include "client/detail/link.hpp"

#include "client/detail/interruption.hpp"
#include "client/detail/violation.hpp"

#include <poll.h>

#include <cerrno>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameHeader;
using protocol::FrameKind;
using protocol::Method;

namespace {

/// Files whose record has not come yet. The daemon pushes the record right behind its file unless
/// our ring is full, so this bounds only a daemon that has gone wrong; and slabs.
constexpr ring::ReceivedMemory::Limits kMemoryMax = {512, 64};

class NullSink final : public Link::Sink {
  void on_message(const FrameHeader&, Body&&) override {}
};

bool is_event(const FrameHeader& header, Method method) noexcept {
  return protocol::kind_of(header.request.flags) == FrameKind::kEvent &&
         header.request.method == static_cast<std::uint32_t>(method);
}

bool is_answer(const FrameHeader& header) noexcept {
  const FrameKind kind = protocol::kind_of(header.request.flags);
  return kind == FrameKind::kResponse || kind == FrameKind::kError;
}

}  // namespace

Link::Link(UniqueFd socket, const ConnectOptions& options)
    : socket_(std::move(socket)),
      interrupt_(options.interrupt),
      spin_ns_(options.spin_ns),
      spin_leave_(options.spin_leave),
      decision_ns_max_(options.sign_of_life_ns_max),
      wished_ring_bytes_(options.ring_bytes),
      memory_(kMemoryMax) {}

Link::PumpEnd Link::pump(Sink& sink, std::uint64_t deadline_ns) {
  for (;;) {
    if (rings_ ? take_records(sink) : take_socket_frames(sink)) return PumpEnd::kProgress;
    if (lost_) return PumpEnd::kLost;
    if (rings_) give_credits();
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
      lose_trust(with_reason(view.error(), "record that no producer writes"));
      return any;
    }
    if (!*view) return any;
    ++frames_taken_;
    any = true;
    if (auto taken = take_record(sink, **view); !taken) lose_trust(std::move(taken).error());
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
    if (frame.lost_attachment) {
      return fail(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg"));
    }
    TRY(memory_.keep(frame.payload, std::move(frame.attached)));
    return false;
  }
  if (header.request.method == static_cast<std::uint32_t>(Method::kRings)) {
    TRY(take_rings_answer(frame));
    return false;
  }
  if (rings_) return violation("message beside the ring");
  if (is_event(header, Method::kIntent)) {
    TRY(take_intent(frame.payload));
    return true;
  }
  if ((header.request.flags & protocol::flag::kMapped) != 0) {
    return violation("mapped payload without shared memory");
  }
  TRY(take_message(sink, header, copy_text(as_text(frame.payload))));
  return true;
}

Result<void> Link::take_record(Sink& sink, const ring::FrameView& view) {
  FrameHeader header = view.header;
  if ((header.request.flags & protocol::flag::kMapped) == 0) {
    std::string payload = copy_text(as_text(view.volatile_payload));
    rings_->consumer.release();
    if (is_event(header, Method::kSlabRetire)) return memory_.retire(as_bytes(payload));
    return take_message(sink, header, std::move(payload));
  }
  const auto where = load_object<protocol::MappedDescriptor>(view.volatile_payload);
  rings_->consumer.release();
  ring::MappedPayload payload = TRY(take_mapped(where));
  header.request.flags &= ~protocol::flag::kMapped;
  header.request.payload_len = static_cast<std::uint32_t>(where.length);
  return take_message(sink, header, std::move(payload));
}

/// A message, or a piece of one.
Result<void> Link::take_message(Sink& sink, FrameHeader header, Body payload) {
  if (pieces_.concerns(header)) {
    auto whole = TRY(pieces_.add(header, as_bytes(payload.view())));
    if (!whole) return {};
    header = whole->header;
    payload = std::move(whole->payload);
  }
  if (is_answer(header)) intents_.erase(header.correlation);
  sink.on_message(header, std::move(payload));
  return {};
}

Result<ring::MappedPayload> Link::take_mapped(const protocol::MappedDescriptor& where) {
  if (!memory_.has(where)) {
    // The file was sent before the record, but the socket is read only now. Frames for the sink do
    // not come this way where there are rings.
    NullSink nobody;
    take_socket_frames(nobody);
  }
  return memory_.open(where);
}

Link::PumpEnd Link::wait_for_records(Sink& sink, std::uint64_t deadline_ns) {
  for (;;) {
    const auto outcome = rings_->waiter.wait_blocking(deadline_ns);
    if (!outcome) {
      lose(with_reason(outcome.error(), kImpossiblePosition));
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
