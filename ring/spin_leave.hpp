// SPDX-License-Identifier: MIT
//
// The leave to spin: one word in a segment's control page in which its owner, who knows how many
// others there are, tells the peer how long a wait may spin. Advice: whoever does not know the word
// spins as it likes, and whoever never writes it (0) leaves its peer alone.
//
// Threading: the owner's thread writes, the peer's reads; each at any time, no order is needed.
#pragma once

#include "ring/detail/shared_word.hpp"
#include "ring/segment_layout.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace mcpwire::ring {

inline constexpr std::uint64_t kSpinUndecided = 0;
inline constexpr std::uint64_t kSpinForbidden = 1;
/// Nanoseconds from here on: spin for at most so long.
inline constexpr std::uint64_t kSpinNsMin = 2;

inline void publish_spin_leave(SegmentMemory own, std::uint64_t leave) noexcept {
  detail::word(own.page->spin_leave).store(leave, std::memory_order_relaxed);
}

/// How long to spin: never longer than `own_limit_ns`, whatever the peer says.
inline std::uint64_t spin_limit_ns(PeerMemory peer, std::uint64_t own_limit_ns) noexcept {
  const std::uint64_t leave =
      detail::ReadOnlyWord<std::uint64_t>(peer.page->spin_leave).load(std::memory_order_relaxed);
  if (leave == kSpinUndecided) return own_limit_ns;
  return leave == kSpinForbidden ? 0 : std::min(leave, own_limit_ns);
}

}  // namespace mcpwire::ring
