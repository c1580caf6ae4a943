// SPDX-License-Identifier: MIT
//
// ChannelSpin: whether the loop should look out for a client's next request instead of sleeping.
// It pays only while clients ask again at once and both sides have a core; a look-out that nobody
// came in suspends the next ones, twice as many each time.
//
// Threading: the loop's thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mcpwire::io::detail {

class ChannelSpin {
 public:
  /// A request was answered at once, and ended at `now_ns`: until when to look out for the next
  /// one; 0: not at all.
  std::uint64_t look_out_until(std::uint64_t now_ns, std::uint64_t spin_ns) noexcept {
    if (looked_until_ns_ != 0) {
      const bool came_in_time = now_ns <= looked_until_ns_;
      penalty_ = came_in_time ? 0 : std::min(2 * penalty_ + 1, kPenaltyMax);
      suspended_ = penalty_;
      looked_until_ns_ = 0;
    }
    if (suspended_ != 0) {
      --suspended_;
      return 0;
    }
    looked_until_ns_ = now_ns + spin_ns;
    return looked_until_ns_;
  }

 private:
  static constexpr std::uint32_t kPenaltyMax = 63;
  std::uint64_t looked_until_ns_ = 0;
  std::uint32_t penalty_ = 0;
  std::uint32_t suspended_ = 0;
};

}  // namespace mcpwire::io::detail
