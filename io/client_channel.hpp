// SPDX-License-Identifier: MIT
//
// ClientChannel: the daemon's end of one client's connection. It shakes hands, then carries frames
// through the shared-memory rings, or through the socket where shared memory is refused.
//
// Nothing the peer can write is trusted: payloads are copied before they are looked at, or come in
// memory files that are sealed for good. A violation is counted, reported once, and closes this
// connection only; what a client may not have for want of a share is refused, request by request.
//
// Threading: the loop's thread.
// Invariants: on_channel_closed comes from the loop, never out of send(), start() or on_frame();
//   the channel may be destroyed inside it, but not inside on_frame(). After close() the receiver
//   hears nothing more. An idle channel has no buffer and is not polled: a doorbell wakes it.
#pragma once

#include "io/channel_host.hpp"
#include "io/detail/channel_charges.hpp"
#include "io/detail/channel_hello.hpp"
#include "io/detail/channel_inbox.hpp"
#include "io/detail/channel_outbox.hpp"
#include "io/detail/channel_rings.hpp"
#include "io/fd_watcher.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/frame_channel.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/control_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace mcpwire::io {

class ClientChannel final : public FrameChannel,
                            private FdWatch::Observer,
                            private detail::PeerProcess::Member {
 public:
  /// Takes a connected SEQPACKET socket. kPeerRefused for another user's process; kOverloaded,
  /// which the client is told, with too many handshakes going on or connections of its process.
  /// `host` outlives the channel.
  static Result<std::unique_ptr<ClientChannel>> create(ChannelHost& host, UniqueFd socket);
  ~ClientChannel() override;

  /// The receiver's first frame is HELLO: already answered, its ranges checked, to be read for the
  /// client's configuration. A refused or malformed handshake is on_channel_closed only.
  void start(Receiver& receiver) override;
  Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                    ByteSpan body) override;
  std::shared_ptr<const void> keep_payload() override;
  bool has_unsent() const noexcept override { return active_ && active_->outbox.has_pending(); }
  void publish_call_state(std::uint64_t correlation, protocol::CallState state) override;
  bool begin_sending(std::uint64_t correlation) override;
  std::int32_t peer_process_id() const noexcept override { return process().pid(); }
  void close() noexcept override;

  /// Socket frames beside the rings that a client may send without work for us. A correct one rings
  /// once for each time we slept, and then there is a record or room; one file goes with a record.
  static constexpr std::uint8_t kBellsMax = 64;

  /// 0 where all traffic goes through the socket, and after the rings were given back.
  std::uint32_t ring_bytes() const noexcept {
    return has_rings() ? active_->rings->own.memory().ring_bytes : 0;
  }

 private:
  enum class State : std::uint8_t { kNew, kHandshake, kOpen, kClosed };

  struct LaterWork final : Runnable {
    explicit LaterWork(ClientChannel& owner) noexcept : channel(owner) {}
    void run() override { channel.read_socket(); }
    ClientChannel& channel;
  };
  /// Tells the receiver of the end.
  struct Ending final : Runnable {
    Ending(ClientChannel& owner, const Error& reason) : channel(owner), why(reason) {}
    void run() override { channel.tell_end(); }
    ClientChannel& channel;
    Error why;
  };
  /// Until HELLO: the end of our patience with it.
  struct Handshake final : Timer {
    Handshake(ClientChannel& owner, ring::Charge share) noexcept
        : channel(owner), charge(std::move(share)) {}
    void on_timer() override;
    ClientChannel& channel;
    ring::Charge charge;
  };
  struct RoomWatch final : FdWatch::Observer {
    explicit RoomWatch(ClientChannel& owner) noexcept : channel(owner) {}
    void on_ready(unsigned events) override;
    ClientChannel& channel;
  };
  struct IdleTimer final : Timer {
    explicit IdleTimer(ClientChannel& owner) noexcept : channel(owner) {}
    void on_timer() override;
    ClientChannel& channel;
  };
  /// The socket is not read until it fires.
  struct BellPause final : Timer {
    explicit BellPause(ClientChannel& owner) noexcept : channel(owner) {}
    void on_timer() override;
    ClientChannel& channel;
  };

  friend class ChannelHost;
  /// All that only a connection in use has. Made when something comes, and gone when nothing has
  /// for ChannelHostOptions::ring_idle_ns.
  struct Active final : Poller {
    explicit Active(ClientChannel& owner) noexcept;
    bool poll() override { return channel.poll(); }
    bool prepare_park() override { return channel.prepare_park(); }
    void unpark(LoopSlept slept) override { channel.unpark(slept); }

    ClientChannel& channel;
    LaterWork later;
    detail::ChannelCharges charges;
    std::optional<detail::ChannelRings> rings;
    detail::ChannelInbox inbox;
    detail::ChannelOutbox outbox;
    IdleTimer idle_timer;
    RoomWatch room_watch;
    std::unique_ptr<FdWatcher> room_watcher;  ///< Only while the socket is full.
    std::unique_ptr<BellPause> bell_pause;
    std::uint64_t delivering = 0;  ///< Correlation of the request inside on_frame().
    std::uint64_t last_message_ns = 0;
    std::uint32_t unanswered = 0;
    std::uint8_t quiet_wakes = 0;
    std::uint8_t bells_left = kBellsMax;
    bool record_waits = false;  ///< The next record's file is behind what is still to be read.
  };

  ClientChannel(ChannelHost& host, UniqueFd socket, std::shared_ptr<detail::PeerProcess> process,
                ring::Charge connection, ring::Charge handshake);

  void on_ready(unsigned events) override;
  void on_process_ended() override;
  void settle_answers() override;

  // The connection in use, and its rest (io/detail/channel_rest.cpp).
  bool has_rings() const noexcept { return active_ && active_->rings; }
  /// Rings were agreed on: no data beside them.
  bool speaks_through_rings() const noexcept { return has_rings() || has_retired_; }
  bool ensure_active();
  void await_idleness();
  bool may_rest() const noexcept;
  void rest_if_idle();
  Result<void> make_rings(ring::ReceivedFrame& frame, std::uint32_t ring_bytes);
  Result<void> try_make_rings(ring::ReceivedFrame& frame, std::uint32_t ring_bytes);
  void note_shared_memory(const Error* lack);
  void attach_outbox();
  Result<void> take_rings_offer(ring::ReceivedFrame& frame);
  Result<void> answer_rings_offer(std::uint64_t correlation);

  // The handshake (io/detail/channel_handshake.cpp).
  Result<void> take_hello(ring::ReceivedFrame& frame);
  void hold_hello(std::size_t bytes, detail::HelloVerdict& verdict);
  Result<void> share_memory(ring::ReceivedFrame& frame, detail::HelloVerdict& verdict);
  Result<void> answer_hello(std::uint64_t correlation, const detail::HelloVerdict& verdict);
  void refuse_hello(std::uint64_t correlation, const Error& why);

  // What comes (io/detail/channel_receive.cpp, io/detail/channel_bells.cpp).
  void read_socket();
  bool may_read_bells();
  void earn_bells(std::size_t work) noexcept;
  void end_bell_pause();
  Result<void> take_socket_frame(ring::ReceivedFrame& frame);
  Result<void> take_memory_file(ring::ReceivedFrame& frame);
  [[nodiscard]] const char* hold_received_files();
  Result<bool> take_records();
  enum class SocketLook : std::uint8_t { kAllowed, kUsed };
  bool is_file_here(const ring::FrameView& view, SocketLook& look);
  Result<std::size_t> take_record(const ring::FrameView& view);
  Result<void> take_message(const protocol::FrameHeader& header, ByteSpan payload,
                            detail::ChannelInbox::Carrier carrier);
  void bound_partial();
  void deliver(const protocol::FrameHeader& header, ByteSpan payload);
  const char* try_begin(std::uint64_t correlation, std::size_t payload_bytes);
  void refuse(const protocol::FrameHeader& header, const Error& why);
  void look_out_for_next();

  // What goes, and turns of the loop (io/detail/channel_turns.cpp).
  bool poll();
  bool prepare_park();
  void unpark(LoopSlept slept);
  bool flush();
  void look_for_room();
  void make_hot();
  void try_cool_down();
  bool is_throttled() const noexcept;

  void shut(const Error& why);
  void leave_open_state() noexcept;
  void tell_end();

  // Ten thousand idle clients have these: what only a busy one needs belongs to Active.
  std::uint32_t next_slab_ = 1;  ///< First: it fits behind what the base class ends with.
  ChannelHost& host_;
  Receiver* receiver_ = nullptr;
  UniqueFd socket_;
  State state_ = State::kNew;
  bool renews_rings_ : 1 = false;     ///< Agreed: unused rings may be given back.
  bool uses_slabs_ : 1 = false;       ///< Agreed: large answers come in slabs.
  bool has_retired_ : 1 = false;      ///< Rings are given back; new ones are not offered yet.
  bool socket_has_more_ : 1 = false;  ///< Reading stopped at a limit: no event will tell.
  bool peer_hung_up_ : 1 = false;     ///< The end of file is behind what is still to be read.
  FdWatch socket_watch_;
  detail::SlotPool::Pointer<Active> active_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<Ending> ending_;  ///< The receiver is to be told.
};

}  // namespace mcpwire::io
