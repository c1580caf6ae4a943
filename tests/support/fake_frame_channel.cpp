// SPDX-License-Identifier: MIT
#include "tests/support/fake_frame_channel.hpp"

#include "protocol/base/check.hpp"

namespace mcpwire::test_support {

Result<void> FakeFrameChannel::send(const protocol::RequestHeader& header,
                                    std::uint64_t correlation, ByteSpan head, ByteSpan body) {
  if (closed_) return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  if (sends_left_) {
    if (*sends_left_ == 0) return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
    --*sends_left_;
  }
  std::string payload(as_text(head));
  payload.append(as_text(body));
  sent_.push_back({header, correlation, std::move(payload)});
  sent_.back().header.payload_len = static_cast<std::uint32_t>(sent_.back().payload.size());
  return {};
}

void FakeFrameChannel::publish_call_state(std::uint64_t correlation, protocol::CallState state) {
  states_[correlation] = state;
}

bool FakeFrameChannel::begin_sending(std::uint64_t correlation) {
  if (closed_ || revoked_.contains(correlation)) return false;
  states_[correlation] = protocol::CallState::kSending;
  return true;
}

void FakeFrameChannel::deliver(protocol::FrameKind kind, protocol::Method method,
                               std::uint64_t correlation, std::string_view payload) {
  MCPWIRE_CHECK(receiver_ != nullptr);
  if (closed_) return;
  protocol::FrameHeader header{protocol::make_header(kind, method), 0, correlation};
  header.request.payload_len = static_cast<std::uint32_t>(payload.size());
  // A copy of its own, so that a session which keeps the span is found by AddressSanitizer.
  const std::vector<char> copy(payload.begin(), payload.end());
  receiver_->on_frame(header, as_bytes(std::string_view(copy.data(), copy.size())));
}

void FakeFrameChannel::disconnect(const Error& why) {
  MCPWIRE_CHECK(receiver_ != nullptr);
  if (closed_) return;
  closed_ = true;
  receiver_->on_channel_closed(why);
}

std::optional<FakeFrameChannel::SentFrame> FakeFrameChannel::answer_to(
    std::uint64_t correlation) const {
  for (const SentFrame& frame : sent_) {
    const protocol::FrameKind kind = protocol::kind_of(frame.header.flags);
    const bool is_answer =
        kind == protocol::FrameKind::kResponse || kind == protocol::FrameKind::kError;
    if (is_answer && frame.correlation == correlation) return frame;
  }
  return std::nullopt;
}

protocol::CallState FakeFrameChannel::call_state(std::uint64_t correlation) const {
  const auto found = states_.find(correlation);
  return found == states_.end() ? protocol::CallState::kNone : found->second;
}

}  // namespace mcpwire::test_support
