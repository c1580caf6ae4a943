// SPDX-License-Identifier: MIT
//
// ClientChannel: the daemon's end of one client's connection. It shakes hands, then carries frames
// through the shared-memory rings, or through the socket where shared memory is refused.
// ChannelHost: what all channels of one loop share.
//
// Nothing the peer can write is trusted: payloads are copied before they are looked at, or come in
// memory files that are sealed for good. A violation is counted, reported once, and closes this
// connection only.
//
// Threading: the loop's thread.
// Invariants: on_channel_closed comes from the loop, never out of send(), start() or on_frame();
//   the channel may be destroyed inside it, but not inside on_frame(). After close() the receiver
//   hears nothing more. An idle channel has no buffer and is not polled: a doorbell wakes it.
#pragma once

#include "io/detail/channel_charges.hpp"
#include "io/detail/channel_hello.hpp"
#include "io/detail/channel_inbox.hpp"
#include "io/detail/channel_outbox.hpp"
#include "io/detail/channel_rings.hpp"
#include "io/detail/channel_slabs.hpp"
#include "io/detail/channel_spin.hpp"
#include "io/detail/slot_pool.hpp"
#include "io/detail/spin_budget.hpp"
#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/frame_channel.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/params.hpp"
#include "ring/control_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::io {

enum class SharedMemoryPolicy : std::uint8_t { kOffer, kRefuse };

struct ChannelHostOptions {
  std::uint64_t daemon_instance = 0;  ///< Random per daemon process.
  std::int32_t daemon_pid = 0;
  std::string daemon_version;
  SharedMemoryPolicy shared_memory = SharedMemoryPolicy::kOffer;
  std::uint64_t handshake_timeout_ns = 2 * kNanosecondsPerSecond;
  std::uint32_t handshakes_max = 1024;  ///< Connections that have not said HELLO yet.
  /// Kept in our own memory for a client that does not read; with half of it none of its requests
  /// is taken, and answers beyond it wait in memory files (io/detail/channel_outbox.hpp).
  std::size_t pending_bytes_max = 1024 * 1024;
  /// One message that comes in several socket frames.
  std::size_t reassembly_bytes_max = 64 * 1024 * 1024;
  /// After a request that was answered at once, the loop looks out for the next one for so long
  /// instead of sleeping, unless it waits for a server's answer too or that has not paid lately.
  /// 0: never.
  std::uint64_t spin_ns = 50 * kNanosecondsPerMicrosecond;
  /// Clients that may spin at the same time, and for how long each; see io/detail/spin_budget.hpp.
  std::size_t spinning_clients_max = 1;
  std::uint64_t client_spin_ns = 200 * kNanosecondsPerMicrosecond;
  /// A connection without a message for so long, and with nothing in flight, gives its rings back;
  /// the client offers new ones when it needs them (docs/adr/0009). 0: never.
  std::uint64_t ring_idle_ns = 5 * kNanosecondsPerSecond;
  /// A client that rang so often without work for us that it has no bell left (kBellsMax) is not
  /// read from for so long. Its ring is still looked into, and its end is noticed.
  std::uint64_t bell_pause_ns = 10 * kNanosecondsPerMillisecond;
  /// Memory that carries large answers and stays with its client (io/detail/channel_slabs.hpp).
  detail::SlabKeeperOptions slabs;
  /// What all clients together may hold; one process gets a share of it (ring/charge.hpp).
  /// Descriptors are memory files beside the connections themselves.
  ring::ResourceAmounts quota = {/*bytes*/ std::uint64_t{4} << 30, /*descriptors*/ 4096,
                                 /*calls*/ 4096, /*connections*/ 32'768, /*handshakes*/ 1024};
  /// Told the first time that a process is refused something for want of a share, and what.
  std::function<void(std::int32_t, const char*)> on_over_quota;
  /// Told of each violation: process id of the peer, and what it did.
  std::function<void(std::int32_t, const Error&)> on_violation;
  /// Told once that clients that ask for rings get the socket, and why; again only after rings
  /// could be made in between.
  std::function<void(const Error&)> on_no_shared_memory;
};

class ChannelHost {
 public:
  ChannelHost(Loop& loop, ChannelHostOptions options);

  Loop& loop() const noexcept { return loop_; }
  const ChannelHostOptions& options() const noexcept { return options_; }
  /// The last client that asked for rings got the socket: there was no memory to share.
  bool lacks_shared_memory() const noexcept { return lacks_shared_memory_; }
  /// Both spin limits follow what it costs here to wake a thread (ring/wake_price.hpp).
  void set_wake_price(std::uint64_t wake_ns) noexcept;
  /// Connections closed because the peer broke the protocol.
  std::uint64_t violations() const noexcept { return violations_; }
  /// What client processes hold, and how often one was refused more.
  const ring::Quota& quota() const noexcept { return processes_.quota(); }
  /// Channels whose handshake is done.
  std::uint32_t open_channels() const noexcept { return open_; }
  /// Of those, how many hold shared memory.
  std::uint32_t channels_with_rings() const noexcept { return with_rings_; }
  /// How large answers left.
  const detail::LargePayloadCounters& large_payloads() const noexcept { return slabs_.counters(); }

 private:
  friend class ClientChannel;
  void note_over_quota(detail::PeerProcess& process, const char* what);
  Loop& loop_;
  ChannelHostOptions options_;
  detail::PeerProcesses processes_;
  detail::ChannelSpin spin_;
  detail::SpinBudget spin_budget_;
  detail::SlabKeeper slabs_;
  detail::SlotPool rings_memory_;
  std::vector<std::byte> scratch_;  ///< Holds the one payload that is being handed over.
  std::uint64_t violations_ = 0;
  std::uint32_t open_ = 0;
  std::uint32_t handshaking_ = 0;
  std::uint32_t with_rings_ = 0;
  std::uint32_t unanswered_ = 0;  ///< Requests of all channels that wait for their answer.
  bool lacks_shared_memory_ = false;
};

class ClientChannel final : public FrameChannel, private FdWatcher::Observer, private Poller {
 public:
  /// Takes a connected SEQPACKET socket. kPeerRefused for another user's process, kOverloaded with
  /// too many handshakes going on. `host` outlives the channel.
  static Result<std::unique_ptr<ClientChannel>> create(ChannelHost& host, UniqueFd socket);
  ~ClientChannel() override;

  /// The receiver's first frame is HELLO: already answered, its ranges checked, to be read for the
  /// client's configuration. A refused or malformed handshake is on_channel_closed only.
  void start(Receiver& receiver) override;
  Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                    ByteSpan body) override;
  bool has_unsent() const noexcept override { return outbox_.has_pending(); }
  void publish_call_state(std::uint64_t correlation, protocol::CallState state) override;
  bool begin_sending(std::uint64_t correlation) override;
  std::int32_t peer_process_id() const noexcept override { return charges_.process().pid(); }
  void close() noexcept override;

  /// Socket frames beside the rings that a client may send without work for us. A correct one rings
  /// once for each time we slept, and then there is a record or room; one file goes with a record.
  static constexpr std::uint8_t kBellsMax = 64;

  /// 0 where all traffic goes through the socket.
  std::uint32_t ring_bytes() const noexcept { return rings_ ? rings_->own.memory().ring_bytes : 0; }

 private:
  enum class State : std::uint8_t { kNew, kHandshake, kOpen, kClosed };

  struct PeerDeath final : detail::PeerProcess::Member {
    explicit PeerDeath(ClientChannel& owner) noexcept : channel(owner) {}
    void on_process_ended() override;
    ClientChannel& channel;
  };
  struct RoomWatch final : FdWatcher::Observer {
    explicit RoomWatch(ClientChannel& owner) noexcept : channel(owner) {}
    void on_ready(unsigned events) override;
    ClientChannel& channel;
  };
  struct LaterWork final : Runnable {
    explicit LaterWork(ClientChannel& owner) noexcept : channel(owner) {}
    void run() override;
    ClientChannel& channel;
  };
  /// The end of the patience with a handshake, or with unused rings.
  struct PatienceTimer final : Timer {
    explicit PatienceTimer(ClientChannel& owner) noexcept : channel(owner) {}
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
  /// All that only a connection in use has.
  struct Rings final : detail::ChannelRings {
    Rings(ring::OwnedSegment own_segment, ring::PeerSegment peer_segment,
          ClientChannel& channel) noexcept
        : ChannelRings(std::move(own_segment), std::move(peer_segment)), idle_timer(channel) {}
    PatienceTimer idle_timer;
  };

  ClientChannel(ChannelHost& host, UniqueFd socket, detail::ChannelCharges charges);

  void on_ready(unsigned events) override;
  bool poll() override;
  bool prepare_park() override;
  void unpark(LoopSlept slept) override;

  void read_socket();
  bool may_read_bells();
  void earn_bells(std::size_t work) noexcept;
  void end_bell_pause();
  Result<void> take_socket_frame(ring::ReceivedFrame& frame);
  Result<void> take_hello(ring::ReceivedFrame& frame);
  Result<void> share_memory(ring::ReceivedFrame& frame, detail::HelloVerdict& verdict);
  Result<void> answer_hello(std::uint64_t correlation, const detail::HelloVerdict& verdict);
  void refuse_hello(std::uint64_t correlation, const std::string& message);
  Result<void> make_rings(ring::ReceivedFrame& frame, std::uint32_t ring_bytes);
  void note_shared_memory(const Error* lack);
  Result<void> take_rings_offer(ring::ReceivedFrame& frame);
  Result<void> answer_rings_offer(std::uint64_t correlation);
  void await_idleness();
  bool may_retire_rings() const noexcept;
  void retire_rings_if_idle();
  Result<bool> take_records();
  enum class SocketLook : std::uint8_t { kAllowed, kUsed };
  bool is_file_here(const ring::FrameView& view, SocketLook& look);
  Result<std::size_t> take_record(const ring::FrameView& view);
  Result<void> take_message(const protocol::FrameHeader& header, ByteSpan payload);
  void deliver(const protocol::FrameHeader& header, ByteSpan payload);
  void refuse_request(const protocol::FrameHeader& header, const char* what);
  void note_pending();
  Result<void> charge_inbox();
  void look_out_for_next();
  void flush();
  void look_for_room();
  void make_hot();
  void try_cool_down();
  void shut(const Error& why);
  void leave_open_state() noexcept;
  void run_later();
  bool is_throttled() const noexcept;

  ChannelHost& host_;
  Receiver* receiver_ = nullptr;
  UniqueFd socket_;
  detail::ChannelCharges charges_;
  detail::SlotPool::Pointer<Rings> rings_;
  detail::ChannelInbox inbox_;
  detail::ChannelOutbox outbox_;
  FdWatcher socket_watcher_;
  PeerDeath peer_death_{*this};
  RoomWatch room_watch_{*this};
  std::unique_ptr<FdWatcher> room_watcher_;  ///< Only while the socket is full.
  LaterWork later_{*this};
  std::unique_ptr<PatienceTimer> handshake_timer_;
  std::unique_ptr<BellPause> bell_pause_;
  std::unique_ptr<Error> closed_why_;  ///< To be reported to the receiver.
  std::uint64_t delivering_ = 0;       ///< Correlation of the request inside on_frame().
  std::uint64_t last_message_ns_ = 0;
  std::uint32_t unanswered_ = 0;
  std::uint8_t quiet_wakes_ = 0;
  std::uint8_t bells_left_ = kBellsMax;
  State state_ = State::kNew;
  bool renews_rings_ = false;     ///< Agreed: unused rings may be given back.
  bool has_retired_ = false;      ///< They are; the client has not offered new ones yet.
  bool socket_has_more_ = false;  ///< Reading stopped at a limit: no event will tell.
  bool record_waits_ = false;     ///< The next record's file is behind what is still to be read.
  bool peer_hung_up_ = false;     ///< The end of file is behind what is still to be read.
};

}  // namespace mcpwire::io
