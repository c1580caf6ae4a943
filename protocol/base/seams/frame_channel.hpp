// SPDX-License-Identifier: MIT
//
// FrameChannel: the seam between the daemon and one client, whatever carries the frames
// (shared-memory rings, or the socket where shared memory is refused).
// Real one: io/client_channel.hpp; fake one: tests/support/fake_frame_channel.hpp.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/call_word.hpp"
#include "protocol/request_header.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire {

class FrameChannel {
 public:
  class Receiver {
   public:
    /// One whole, validated frame. `payload` is private memory or a sealed mapping (the peer can
    /// no longer change it) and valid during the call only.
    virtual void on_frame(const protocol::FrameHeader& header, ByteSpan payload) = 0;
    /// Comes once and last. The peer is gone or broke the protocol.
    virtual void on_channel_closed(const Error& why) = 0;
    /// The last of what send() had kept is out. The channel must not be destroyed in it.
    virtual void on_all_sent() {}
    /// The client has been quiet for a while and nothing of it is under way: the channel has given
    /// its memory back, and the receiver may. The channel must not be used or destroyed in it.
    virtual void on_rest() {}

   protected:
    ~Receiver() = default;
  };

  virtual ~FrameChannel() = default;
  virtual void start(Receiver& receiver) = 0;

  /// Sends one frame whose payload is `head` followed by `body`. Never blocks: what the peer has
  /// no room for is kept in order. An event is refused (kQueueFull) while anything is kept, an
  /// answer never is. kClosed when the peer is gone.
  virtual Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation,
                            ByteSpan head, ByteSpan body) = 0;

  /// Inside Receiver::on_frame() only: what keeps its payload in place, and unchangeable, for
  /// longer than the call; another thread may let go of it. Null: it has to be copied.
  virtual std::shared_ptr<const void> keep_payload() { return nullptr; }

  /// Something is kept that the peer has had no room for yet. False in channels that keep nothing.
  virtual bool has_unsent() const noexcept { return false; }

  /// Publishes how far the call has come where the client can read it after our death. kDone, said
  /// right after the answer was sent, is published no sooner than the answer is with the peer.
  virtual void publish_call_state(std::uint64_t correlation, protocol::CallState state) = 0;

  /// Publishes kSending and says whether the client had not revoked the call before. On false
  /// nothing may be written to the server: the client counts on `not_sent`.
  virtual bool begin_sending(std::uint64_t correlation) = 0;

  /// Process id of the peer, for logs and status.
  virtual std::int32_t peer_process_id() const noexcept = 0;

  virtual void close() noexcept = 0;
};

}  // namespace mcpwire
