// SPDX-License-Identifier: MIT
//
// RecordingChannel: hands a session's frames to a FakeFrameChannel that the test keeps, and writes
// down in which order states and frames went out. It can refuse a frame in the client's place.
//
// Threading: one thread.
#pragma once

#include "tests/support/fake_frame_channel.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::test_support {

struct ChannelRecord {
  /// claimed, sending, revoked, sent, event, answer, refused, done.
  std::vector<std::string> events;
  /// The next frame is refused with this.
  std::optional<Error> refuse_next;
  /// Some of what was sent is still kept.
  bool has_unsent = false;
};

class RecordingChannel final : public FrameChannel {
 public:
  /// Both outlive the channel.
  RecordingChannel(FakeFrameChannel& fake, ChannelRecord& record) noexcept
      : fake_(fake), record_(record) {}

  void start(Receiver& receiver) override {
    receiver_ = &receiver;
    fake_.start(receiver);
  }
  /// The client has taken what was kept.
  void tell_all_sent() {
    record_.has_unsent = false;
    receiver_->on_all_sent();
  }
  Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                    ByteSpan body) override {
    Result<void> sent;
    if (record_.refuse_next.has_value()) {
      sent = fail(*std::exchange(record_.refuse_next, std::nullopt));
    } else {
      sent = fake_.send(header, correlation, head, body);
    }
    const bool is_event = protocol::kind_of(header.flags) == protocol::FrameKind::kEvent;
    record_.events.emplace_back(!sent.has_value() ? "refused" : is_event ? "event" : "answer");
    return sent;
  }
  bool has_unsent() const noexcept override { return record_.has_unsent; }
  void publish_call_state(std::uint64_t correlation, protocol::CallState state) override {
    fake_.publish_call_state(correlation, state);
    record_.events.emplace_back(name_of(state));
  }
  bool begin_sending(std::uint64_t correlation) override {
    const bool may_send = fake_.begin_sending(correlation);
    record_.events.emplace_back(may_send ? "sending" : "revoked");
    return may_send;
  }
  std::int32_t peer_process_id() const noexcept override { return fake_.peer_process_id(); }
  void close() noexcept override { fake_.close(); }

 private:
  static const char* name_of(protocol::CallState state) {
    switch (state) {
      case protocol::CallState::kNone:
        return "none";
      case protocol::CallState::kClaimed:
        return "claimed";
      case protocol::CallState::kSending:
        return "sending";
      case protocol::CallState::kSent:
        return "sent";
      case protocol::CallState::kDone:
        return "done";
    }
    return "invalid";
  }

  FakeFrameChannel& fake_;
  ChannelRecord& record_;
  Receiver* receiver_ = nullptr;
};

}  // namespace mcpwire::test_support
