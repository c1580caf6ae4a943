// SPDX-License-Identifier: MIT
//
// The last part of a link's life: whether the peer is gone at all, and what is true of the calls.
// A link is often lost for a reason of this side's, while the daemon lives and is about to send the
// very call that is to be sent again: every verdict is taken by revoking.
#include "client/detail/link.hpp"

#include "client/detail/interruption.hpp"
#include "client/detail/violation.hpp"
#include "protocol/payload_codec.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace mcpwire::client::detail {

using protocol::CallState;

namespace {

/// Of one message, which is taken out of the socket; other failures would come again and again.
bool is_violation(const Error& error) noexcept {
  return error.code == ErrorCode::kProtocolViolation || error.code == ErrorCode::kVersionMismatch;
}

bool is_intent(const protocol::FrameHeader& header) noexcept {
  return protocol::kind_of(header.request.flags) == protocol::FrameKind::kEvent &&
         header.request.method == static_cast<std::uint32_t>(protocol::Method::kIntent);
}

}  // namespace

void Link::lose(Error why) {
  if (lost_) return;
  lost_ = true;
  loss_ = std::move(why);
}

void Link::lose_trust(Error why) {
  distrusts_messages_ = true;
  lose(std::move(why));
}

void Link::drain(Sink& sink) {
  if (rings_) take_records(sink);
  take_socket_frames(sink);
}

CallState Link::revoke(Sink& sink, std::uint64_t correlation) {
  if (rings_) return rings_->call_words.revoke(correlation);
  if (!std::exchange(is_shut_, true)) {
    // From here on the daemon's intent frames fail to be sent, and it writes to no server without
    // one. What it sent before is in our queue.
    ::shutdown(socket_.get(), SHUT_RD);
    drain(sink);
    take_last_intents();
    lose(Error::of(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded));
  }
  if (intents_are_unknown_) return CallState::kSending;
  const auto found = intents_.find(correlation);
  return found == intents_.end() ? CallState::kNone : found->second;
}

/// What comes behind a frame that broke the rules: messages are worth nothing any more, but a call
/// whose intent is among them may have happened. Ends, for nothing comes in any more.
void Link::take_last_intents() {
  for (;;) {
    const auto frame = ring::recv_frame(socket_.get(), buffer_);
    if (!frame) {
      const bool goes_on = note_unreadable(frame.error());
      if (!goes_on && !is_violation(frame.error())) return;
    } else if (!*frame) {
      return;
    } else if (is_intent((*frame)->header)) {
      static_cast<void>(take_intent((*frame)->payload));
    }
  }
}

/// True if there may be more behind what could not be read.
bool Link::note_unreadable(const Error& why) noexcept {
  if (why.kind != ErrorKind::kDisconnected) {
    intents_are_unknown_ = true;  // It may have been one.
    return false;
  }
  // A reset is reported before what had arrived until then; the end of file comes behind it.
  return !std::exchange(reset_seen_, true);
}

Result<void> Link::take_intent(ByteSpan payload) {
  const auto intent = protocol::PayloadReader(payload).fixed<protocol::IntentEvent>();
  if (!intent || intent->call_state > static_cast<std::uint32_t>(CallState::kDone)) {
    intents_are_unknown_ = true;
    return violation("malformed intent event");
  }
  intents_[intent->correlation] = static_cast<CallState>(intent->call_state);
  return {};
}

/// True if one event of the caller's source was taken.
bool Link::take_interrupt() {
  switch (take_interruption(interrupt_)) {
    case Interruption::kTaken:
      return true;
    case Interruption::kNone:
      return false;
    case Interruption::kClosed:
      break;
  }
  // It would wake us for ever.
  if (auto forgotten = forget_interrupt(); !forgotten) lose(std::move(forgotten).error());
  return false;
}

/// The ring's waiter cannot tell the peer's end from an event of the interrupt source: they share a
/// descriptor.
bool Link::is_peer_alive() const noexcept {
  std::array<pollfd, 2> signs = {pollfd{pidfd_.get(), POLLIN, 0},
                                 pollfd{socket_.get(), POLLRDHUP, 0}};
  return ::poll(signs.data(), signs.size(), 0) == 0;
}

}  // namespace mcpwire::client::detail
