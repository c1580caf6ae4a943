// SPDX-License-Identifier: MIT
//
// FakeFrameChannel: a client as a session's test sees it. Frames sent to it are kept, frames from
// it are delivered by the test, and every refusal a real channel knows can be asked for.
//
// Threading: one thread.
#pragma once

#include "protocol/base/seams/frame_channel.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::test_support {

class FakeFrameChannel final : public FrameChannel {
 public:
  struct SentFrame {
    protocol::RequestHeader header;
    std::uint64_t correlation = 0;
    std::string payload;
  };

  void start(Receiver& receiver) override { receiver_ = &receiver; }
  Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                    ByteSpan body) override;
  void publish_call_state(std::uint64_t correlation, protocol::CallState state) override;
  bool begin_sending(std::uint64_t correlation) override;
  std::int32_t peer_process_id() const noexcept override { return 4242; }
  void close() noexcept override { closed_ = true; }

  // What the test does in the client's place.

  /// Delivers one frame. Does nothing once the channel is closed, as the real one.
  void deliver(protocol::FrameKind kind, protocol::Method method, std::uint64_t correlation,
               std::string_view payload);
  /// The client goes away.
  void disconnect(const Error& why);
  /// From now on the call counts as given up by the client.
  void revoke(std::uint64_t correlation) { revoked_.insert(correlation); }
  /// The next `count` sends succeed, all later ones fail with kQueueFull.
  void allow_sends(std::size_t count) { sends_left_ = count; }

  // What the session did.

  const std::vector<SentFrame>& sent() const noexcept { return sent_; }
  /// The answer (response or error) to a request, if it was sent.
  std::optional<SentFrame> answer_to(std::uint64_t correlation) const;
  protocol::CallState call_state(std::uint64_t correlation) const;
  bool was_closed() const noexcept { return closed_; }
  bool was_started() const noexcept { return receiver_ != nullptr; }

 private:
  Receiver* receiver_ = nullptr;
  std::vector<SentFrame> sent_;
  std::map<std::uint64_t, protocol::CallState> states_;
  std::set<std::uint64_t> revoked_;
  std::optional<std::size_t> sends_left_;
  bool closed_ = false;
};

}  // namespace mcpwire::test_support
