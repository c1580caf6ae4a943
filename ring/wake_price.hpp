// SPDX-License-Identifier: MIT
//
// What it costs on this machine to wake a sleeping thread on another processor, and how long to
// spin because of it. Waiting longer than the price of the alternative can only lose.
//
// Threading: any thread; measuring takes two threads of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace mcpwire::ring {

/// Messages between two sleeping threads on two processors, over a socket pair as a doorbell: half
/// the median round trip, in nanoseconds. Takes some hundred microseconds, blocks meanwhile.
/// Nothing with one processor, without descriptors, or where the result is absurd.
std::optional<std::uint64_t> measure_wake_price_blocking();

/// Half the median of `round_trips_ns`; nothing if there is none or if it is absurd: no wake-up
/// takes under half a microsecond, and above half a millisecond it is the load that was measured.
std::optional<std::uint64_t> wake_price_of(std::vector<std::uint64_t> round_trips_ns);

struct SpinLimits {
  std::uint64_t client_ns;  ///< Before a client sleeps that waits for an answer.
  std::uint64_t server_ns;  ///< Before a server sleeps that has just answered.
};

/// A client that sleeps pays up to five wake-ups for a call: the server's, its own, and those of
/// what the server waits for. A server that sleeps pays one.
SpinLimits spin_limits(std::uint64_t wake_price_ns) noexcept;

}  // namespace mcpwire::ring
