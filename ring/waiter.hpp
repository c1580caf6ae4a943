// SPDX-License-Identifier: MIT
//
// Waiter: how a client process without an event loop waits for its ring: it spins for about the
// price of a wake-up, then sleeps in poll() on the control socket (docs/adr/0004). It spins only
// while that has paid lately (ring/spin_policy.hpp) and the peer gives leave (ring/spin_leave.hpp).
//
// Threading: the thread of the two ring ends it was given.
// Ordering: the park protocols of ring/spsc_ring.hpp; no wake-up is lost, and a spurious one only
// costs another look.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"
#include "ring/segment_layout.hpp"
#include "ring/spin_policy.hpp"
#include "ring/spsc_ring.hpp"

#include <cstdint>
#include <optional>

namespace mcpwire::ring {

enum class [[nodiscard]] WaitOutcome {
  kData,          ///< Consumer::peek() has something to say.
  kSpace,         ///< The wanted room is there.
  kControlFrame,  ///< recv_frame() on the socket has a frame that is not a doorbell.
  kTimeout,       ///< The deadline passed.
  kInterrupted,   ///< A signal handler ran during the sleep; the caller decides.
  kPeerGone,      ///< The peer ended or closed, and every record it published has been taken.
};

struct WaiterOptions {
  int socket_fd = -1;         ///< Not owned.
  int peer_pidfd = -1;        ///< Not owned; notices a killed peer 5-10 ms before the socket does.
  std::uint64_t spin_ns = 0;  ///< Calibrate to the price of a wake-up; 0 never spins.
  /// 0 asks the system. With one processor a spinner keeps its own peer from running.
  std::uint32_t processors = 0;
  /// Whose leave to spin is heeded; without a page nobody's.
  PeerMemory spin_leave_of;
};

class Waiter {
 public:
  /// All four outlive the waiter.
  Waiter(Consumer& consumer, Producer& producer, const Clock& clock, WaiterOptions options);

  /// Waits until there is data, or until a payload of `wanted_space` bytes fits if that is given.
  /// Data comes first: whoever waits for room must take what arrives, or two waiters for room
  /// would wait for each other. `deadline_ns` is of `clock`; kNever waits for ever.
  /// kInvalid if the peer's published position is impossible.
  Result<WaitOutcome> wait_blocking(std::uint64_t deadline_ns,
                                    std::optional<std::uint32_t> wanted_space = std::nullopt);

  /// Waits that spun, times this waiter went to sleep, and doorbells it rang and took.
  struct Counters {
    std::uint64_t spins = 0;
    std::uint64_t parks = 0;
    std::uint64_t doorbells_rung = 0;
    std::uint64_t doorbells_taken = 0;
  };
  const Counters& counters() const noexcept { return counters_; }

 private:
  using Found = std::optional<WaitOutcome>;

  void ring_for_space();
  Result<Found> look(std::optional<std::uint32_t> wanted_space);
  std::uint64_t spin_limit() const noexcept;
  bool has_spun_enough(std::uint64_t spun_ns) noexcept;
  Result<Found> spin(std::uint64_t deadline_ns, std::optional<std::uint32_t> wanted_space);
  Result<Found> park(std::uint64_t deadline_ns, std::optional<std::uint32_t> wanted_space);
  Result<Found> announce_and_look(std::optional<std::uint32_t> wanted_space);
  Found sleep(std::uint64_t deadline_ns);
  Found look_at_socket();
  Result<WaitOutcome> settle(WaitOutcome outcome, std::optional<std::uint32_t> wanted_space);

  Consumer& consumer_;
  Producer& producer_;
  const Clock& clock_;
  WaiterOptions options_;
  SpinPolicy policy_;
  Counters counters_;
};

}  // namespace mcpwire::ring
