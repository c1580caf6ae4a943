// SPDX-License-Identifier: MIT
//
// Link: one live connection to one daemon process, whatever carries its frames: the rings, or the
// socket where shared memory was refused. It frames and waits; what messages mean, and what
// becomes of calls when a link is lost, is client/detail/call_table's business.
//
// Threading: one thread. send() and pump() block.
#pragma once

#include "client/types.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/call_word.hpp"
#include "protocol/message_pieces.hpp"
#include "protocol/payload.hpp"
#include "protocol/request_header.hpp"
#include "ring/call_words.hpp"
#include "ring/control_socket.hpp"
#include "ring/received_memory.hpp"
#include "ring/segment.hpp"
#include "ring/spsc_ring.hpp"
#include "ring/waiter.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::client::detail {

/// Agreement::no_rings_because, where it is not for want of ours.
inline constexpr const char* kNoneToGive = "the daemon has none to give; its log says why";

class Link {
 public:
  /// Takes whole messages. Called inside send() and pump() and must not call them.
  class Sink {
   public:
    virtual void on_message(const protocol::FrameHeader& header, Body&& payload) = 0;

   protected:
    ~Sink() = default;
  };

  /// Shakes hands over a connected socket. kPeerRefused if the daemon is another user's, the
  /// daemon's refusal, kDisconnected if it went away (connect again), kTimeout.
  static Result<std::unique_ptr<Link>> open(UniqueFd socket, const ConnectOptions& options,
                                            const std::string& hello, std::uint64_t deadline_ns);

  /// Hands one message over; waits for room until the deadline, and delivers to `sink` meanwhile.
  /// On kTimeout and kCancelled nothing of it has reached the daemon. kDisconnected: lost.
  Result<void> send(Sink& sink, const protocol::RequestHeader& header, std::uint64_t correlation,
                    ByteSpan payload, std::uint64_t deadline_ns);

  enum class PumpEnd : std::uint8_t { kProgress, kTimeout, kInterrupted, kLost };
  /// Waits until something arrived and delivers it.
  PumpEnd pump(Sink& sink, std::uint64_t deadline_ns);

  /// Delivers what is there, without waiting; of a lost link what can still be trusted.
  void drain(Sink& sink);

  /// From here on the daemon can no longer begin the call unnoticed: the answer stays true, of a
  /// link that lives and of one that is lost (a lost link says nothing about the daemon, which may
  /// live and be about to begin). Without rings it takes the whole link (is_lost() afterwards), and
  /// what had arrived is delivered first.
  protocol::CallState revoke(Sink& sink, std::uint64_t correlation);

  /// Gives the link up for a reason of the caller's.
  void leave(Error why) { lose(std::move(why)); }

  bool is_lost() const noexcept { return lost_; }
  /// Frames the daemon has sent since the handshake: as long as it grows, the daemon lives.
  std::uint64_t frames_taken() const noexcept { return frames_taken_; }
  /// Why; meaningful once lost.
  const Error& loss() const noexcept { return loss_; }
  const Agreement& agreement() const noexcept { return agreement_; }
  /// Becomes part of the agreement.
  void explain_no_rings(const std::string& why) { agreement_.no_rings_because = why; }

 private:
  struct Rings {
    Rings(ring::OwnedSegment own, ring::PeerSegment peer, ring::WaiterOptions options);
    ring::OwnedSegment own_segment;
    ring::PeerSegment peer_segment;
    SystemClock clock;
    ring::Producer producer;
    ring::Consumer consumer;
    ring::ClientCallWords call_words;
    ring::Waiter waiter;
  };
  Link(UniqueFd socket, const ConnectOptions& options);

  Result<void> watch_peer();
  Result<void> shake_hands(const std::string& hello, std::uint64_t deadline_ns);
  Result<std::optional<ring::ReceivedFrame>> receive_or_last_words();
  Result<void> finish_handshake(ring::ReceivedFrame frame,
                                std::optional<ring::OwnedSegment> segment);
  Result<void> use_rings(ring::OwnedSegment own, UniqueFd peer_segment, std::uint32_t ring_bytes);

  Result<bool> settle_push(Sink& sink, std::uint64_t correlation, std::uint64_t deadline_ns);
  Result<bool> await_decision(std::uint64_t correlation, std::uint64_t deadline_ns);
  Result<void> renew_rings(Sink& sink, std::uint64_t deadline_ns);
  Result<void> offer_rings(Sink& sink, std::uint64_t deadline_ns);
  Result<void> await_rings_answer(Sink& sink, std::uint64_t deadline_ns);
  Result<void> take_rings_answer(ring::ReceivedFrame& frame);

  Result<bool> push(Sink& sink, const protocol::RequestHeader& header, std::uint64_t correlation,
                    ByteSpan payload, std::uint64_t deadline_ns);
  Result<bool> send_mapped(Sink& sink, protocol::RequestHeader header, std::uint64_t correlation,
                           ByteSpan payload, std::uint64_t deadline_ns);
  Result<void> send_chunks(Sink& sink, protocol::RequestHeader header, std::uint64_t correlation,
                           ByteSpan payload, std::uint64_t deadline_ns);
  Result<void> send_on_socket(Sink& sink, const ring::OutgoingFrame& frame,
                              std::uint64_t deadline_ns);
  void give_credits() noexcept;
  Result<void> await_room(Sink& sink, std::uint32_t payload_bytes, std::uint64_t deadline_ns);

  bool take_records(Sink& sink);
  bool take_socket_frames(Sink& sink);
  Result<void> take_record(Sink& sink, const ring::FrameView& view);
  Result<void> take_message(Sink& sink, protocol::FrameHeader header, Body payload);
  Result<bool> take_socket_frame(Sink& sink, ring::ReceivedFrame& frame);
  Result<ring::MappedPayload> take_mapped(const protocol::MappedDescriptor& descriptor);
  PumpEnd wait_for_records(Sink& sink, std::uint64_t deadline_ns);
  PumpEnd wait_for_socket(std::uint64_t deadline_ns);
  bool take_interrupt();
  Result<void> forget_interrupt();
  bool is_peer_alive() const noexcept;
  void take_last_intents();
  Result<void> take_intent(ByteSpan payload);
  bool note_unreadable(const Error& why) noexcept;
  void lose(Error why);
  void lose_trust(Error why);
  void lose_socket(Error why);

  UniqueFd socket_;
  UniqueFd pidfd_;
  UniqueFd watched_;  ///< Becomes readable when the peer ends or the caller interrupts.
  InterruptSource interrupt_;
  std::uint64_t spin_ns_;
  SpinLeave spin_leave_;
  std::uint64_t decision_ns_max_;  ///< How long a daemon may take to decide about its rings.
  std::uint32_t wished_ring_bytes_;
  bool awaits_rings_ = false;  ///< We have offered new ones; the daemon has not answered yet.
  std::optional<ring::OwnedSegment> offered_;
  Agreement agreement_;
  std::unique_ptr<Rings> rings_;
  std::vector<std::byte> buffer_;
  ring::ReceivedMemory memory_;
  protocol::MessagePieces pieces_{protocol::kMessageBytesMax};
  std::map<std::uint64_t, protocol::CallState> intents_;  ///< Of calls that are not answered.
  std::uint32_t next_slab_ = 1;
  std::uint64_t frames_taken_ = 0;
  bool reset_seen_ = false;
  bool is_shut_ = false;  ///< Our half of the socket: nothing more comes in.
  /// A rule was broken where messages come from: no later one can be trusted to be whole.
  bool distrusts_messages_ = false;
  bool intents_are_unknown_ = false;  ///< The socket could not be read to its end.
  bool lost_ = false;
  Error loss_;
};

}  // namespace mcpwire::client::detail
