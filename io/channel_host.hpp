// SPDX-License-Identifier: MIT
//
// ChannelHost: what all client channels of one loop share: their limits, the accounts of the
// processes at their other ends, memory, and counters.
//
// Threading: the loop's thread.
#pragma once

#include "io/detail/channel_slabs.hpp"
#include "io/detail/channel_spin.hpp"
#include "io/detail/peer_process.hpp"
#include "io/detail/slot_pool.hpp"
#include "io/detail/spin_budget.hpp"
#include "io/loop.hpp"
#include "protocol/base/error.hpp"
#include "protocol/base/seams/clock.hpp"
#include "ring/charge.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mcpwire::io {

namespace detail {
struct InboundMessage;
}  // namespace detail

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
  /// One message that comes in several socket frames; a longer one is rejected.
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
  ring::ResourceAmounts quota = {/*bytes*/ std::uint64_t{4} << 30,
                                 /*descriptors*/ 4096,
                                 /*calls*/ 4096,
                                 /*connections*/ 32'768,
                                 /*handshakes*/ 1024,
                                 /*answers*/ std::uint64_t{2} << 30,
                                 /*slabs*/ std::uint64_t{512} << 20};
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
  detail::SlotPool active_memory_;
  std::vector<std::byte> scratch_;  ///< Holds the one payload that is being handed over.
  detail::InboundMessage* delivered_ = nullptr;  ///< Inside on_frame().
  std::uint64_t violations_ = 0;
  std::uint32_t open_ = 0;
  std::uint32_t handshaking_ = 0;
  std::uint32_t with_rings_ = 0;
  std::uint32_t unanswered_ = 0;  ///< Requests of all channels that wait for their answer.
  bool lacks_shared_memory_ = false;
};

}  // namespace mcpwire::io
