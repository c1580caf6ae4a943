// SPDX-License-Identifier: MIT
//
// SpinPolicy: whether the next wait is worth spinning. Spinning wins while the other side runs on
// another core and answers by itself; it loses while somebody else works for the answer or no core
// is free, and nothing tells which it is but the last waits. So a spin that was in vain suspends
// spinning for some waits, twice as many each time. Both ends of a connection use it.
//
// Threading: one thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mcpwire::ring {

class SpinPolicy {
 public:
  /// Whether to spin now. A wait that may not spin counts down the suspension.
  bool may_spin() noexcept {
    if (suspended_waits_ == 0) return true;
    --suspended_waits_;
    return false;
  }

  /// The spin ended with an answer.
  void paid() noexcept { penalty_ = suspended_waits_ = 0; }

  /// The spin ended in a sleep.
  void in_vain() noexcept {
    penalty_ = std::min(2 * penalty_ + 1, kPenaltyMax);
    suspended_waits_ = penalty_;
  }

 private:
  /// Waits between two trials at most: one spin in vain per so many sleeps costs under 2 %.
  static constexpr std::uint32_t kPenaltyMax = 63;
  std::uint32_t penalty_ = 0;
  std::uint32_t suspended_waits_ = 0;
};

}  // namespace mcpwire::ring
