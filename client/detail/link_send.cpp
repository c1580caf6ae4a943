// SPDX-License-Identifier: MIT
//
// The sending half of a link: which carrier takes a message, and what happens while it is full.
#include "client/detail/interruption.hpp"
#include "client/detail/link.hpp"
#include "client/detail/violation.hpp"
#include "ring/sealed_payload.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameKind;
using protocol::Method;

Result<void> Link::send(Sink& sink, const protocol::RequestHeader& header,
                        std::uint64_t correlation, ByteSpan payload, std::uint64_t deadline_ns) {
  if (lost_) return fail(loss_);
  if (payload.size() > protocol::kMessageBytesMax) {
    return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                "the message has " + std::to_string(payload.size()) + " bytes, the limit is " +
                    std::to_string(protocol::kMessageBytesMax));
  }
  while (rings_) {
    // A file that goes ahead of its record would reach nobody.
    if (awaits_rings_ || rings_->producer.peer_has_retired()) TRY(renew_rings(sink, deadline_ns));
    if (!rings_) break;
    give_credits();
    const bool fits = payload.size() <= rings_->producer.payload_bytes_max();
    const bool is_pushed = fits ? TRY(push(sink, header, correlation, payload, deadline_ns))
                                : TRY(send_mapped(sink, header, correlation, payload, deadline_ns));
    if (is_pushed) return {};
  }
  return send_chunks(sink, header, correlation, payload, deadline_ns);
}

/// Memory that our caller has done with goes back with whatever else is said to the daemon. It is
/// not worth waking it for: it has other memory meanwhile, and forgets it with the rings.
void Link::give_credits() noexcept {
  while (memory_.has_credits() && !rings_->producer.peer_has_retired()) {
    const auto has_space = rings_->producer.has_space(sizeof(protocol::SlabEvent));
    if (!has_space || !*has_space) return;
    const auto credit = memory_.take_credit();
    if (!credit) return;
    rings_->producer.try_push(protocol::make_header(FrameKind::kEvent, Method::kSlabCredit), 0,
                              object_bytes(*credit), {});
  }
}

/// False: the daemon gave the rings back and took nothing of this; there are others now, or none.
Result<bool> Link::push(Sink& sink, const protocol::RequestHeader& header,
                        std::uint64_t correlation, ByteSpan payload, std::uint64_t deadline_ns) {
  ring::Producer& producer = rings_->producer;
  while (!producer.try_push(header, correlation, payload, {})) {
    TRY(await_room(sink, static_cast<std::uint32_t>(payload.size()), deadline_ns));
  }
  return settle_push(sink, correlation, deadline_ns);
}

/// Takes what arrives meanwhile: two sides that both wait for room would wait for ever.
Result<void> Link::await_room(Sink& sink, std::uint32_t payload_bytes, std::uint64_t deadline_ns) {
  const auto outcome = rings_->waiter.wait_blocking(deadline_ns, payload_bytes);
  if (!outcome) {
    lose(with_reason(outcome.error(), kImpossiblePosition));
    return fail(loss_);
  }
  switch (*outcome) {
    case ring::WaitOutcome::kSpace:
      return {};
    case ring::WaitOutcome::kData:
      take_records(sink);
      break;
    case ring::WaitOutcome::kControlFrame:
      take_socket_frames(sink);
      break;
    case ring::WaitOutcome::kTimeout:
      return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
                  "the daemon takes nothing any more");
    case ring::WaitOutcome::kInterrupted:
    case ring::WaitOutcome::kPeerGone:
      if (take_interrupt()) return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
      if (*outcome == ring::WaitOutcome::kPeerGone && !is_peer_alive()) {
        lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
      }
      break;
  }
  if (lost_) return fail(loss_);
  return {};
}

/// The file goes first: whoever reads the record finds its file already in the socket. But only
/// once the record has room: a file whose record never came would stay with the daemon, which
/// keeps but a few. Nobody else fills the ring, so the room stays.
Result<bool> Link::send_mapped(Sink& sink, protocol::RequestHeader header,
                               std::uint64_t correlation, ByteSpan payload,
                               std::uint64_t deadline_ns) {
  for (;;) {
    const auto has_space = rings_->producer.has_space(sizeof(protocol::MappedDescriptor));
    if (!has_space) {
      lose(with_reason(has_space.error(), kImpossiblePosition));
      return fail(loss_);
    }
    if (*has_space) break;
    TRY(await_room(sink, sizeof(protocol::MappedDescriptor), deadline_ns));
  }
  const UniqueFd file = TRY(ring::create_sealed(payload, {}));
  const std::uint32_t slab = next_slab_++;
  const protocol::MemoryEvent event{sizeof(protocol::MemoryEvent), slab, 1,
                                    protocol::MemoryLife::kOnce, payload.size()};
  const ring::OutgoingFrame frame{protocol::make_header(FrameKind::kEvent, Method::kMemory),
                                  0,
                                  object_bytes(event),
                                  {},
                                  file.get()};
  TRY(send_on_socket(sink, frame, deadline_ns));
  const protocol::MappedDescriptor descriptor{slab, 1, 0, payload.size()};
  header.flags |= protocol::flag::kMapped;
  return push(sink, header, correlation, object_bytes(descriptor), deadline_ns);
}

Result<void> Link::send_chunks(Sink& sink, protocol::RequestHeader header,
                               std::uint64_t correlation, ByteSpan payload,
                               std::uint64_t deadline_ns) {
  std::size_t at = 0;
  do {
    const std::size_t bytes =
        std::min<std::size_t>(payload.size() - at, protocol::kInlinePayloadBytesMax);
    const bool is_last = at + bytes == payload.size();
    ring::OutgoingFrame frame{header, correlation, payload.subspan(at, bytes), {}, -1};
    if (!is_last) frame.header.flags |= protocol::flag::kMore;
    if (auto sent = send_on_socket(sink, frame, deadline_ns); !sent) {
      // Half a message would swallow the next one.
      if (at != 0 && !lost_) lose(sent.error());
      return sent;
    }
    at += bytes;
  } while (at < payload.size());
  return {};
}

Result<void> Link::send_on_socket(Sink& sink, const ring::OutgoingFrame& frame,
                                  std::uint64_t deadline_ns) {
  for (;;) {
    const auto sent = ring::send_frame(socket_.get(), frame);
    if (!sent) {
      if (sent.error().kind != ErrorKind::kDisconnected) return fail(sent.error());
      drain(sink);
      lose(sent.error());
      return fail(loss_);
    }
    if (*sent == ring::SendStatus::kSent) return {};
    take_socket_frames(sink);
    if (lost_) return fail(loss_);
    switch (wait_ready({socket_.get(), POLLIN | POLLOUT, pidfd_.get()}, deadline_ns, interrupt_)) {
      case WaitEnd::kReady:
        break;
      case WaitEnd::kTimeout:
        return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
                    "the daemon takes nothing any more");
      case WaitEnd::kInterrupted:
        return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
  }
}

}  // namespace mcpwire::client::detail
