// SPDX-License-Identifier: MIT
//
// Waiting for one descriptor, a deadline and the caller's InterruptSource at the same time.
// Threading: any.
#pragma once

#include "client/types.hpp"

#include <cstdint>

namespace mcpwire::client::detail {

enum class WaitEnd : std::uint8_t { kReady, kTimeout, kInterrupted };

/// What is waited for; -1 never happens.
struct Watched {
  int fd = -1;
  short events = 0;  ///< As in poll().
  int pidfd = -1;    ///< Counts as ready when its process ends.
};

/// Blocks until something watched is ready or closed, the deadline passes, or the source speaks;
/// then one event of the source is taken.
WaitEnd wait_ready(Watched watched, std::uint64_t deadline_ns, InterruptSource interrupt) noexcept;
WaitEnd wait_readable(int fd, std::uint64_t deadline_ns, InterruptSource interrupt) noexcept;

enum class Interruption : std::uint8_t {
  kNone,    ///< No event; with a shared source another one may have been faster.
  kTaken,   ///< One event was taken.
  kClosed,  ///< Its other end is gone: no event will come any more.
};
/// Takes one event if there is one.
Interruption take_interruption(InterruptSource interrupt) noexcept;

}  // namespace mcpwire::client::detail
