// SPDX-License-Identifier: MIT
//
// ChannelSpin: whether the loop should look out for a client's next request instead of sleeping.
// It pays only while clients ask again at once and both sides have a core (ring/spin_policy.hpp).
//
// Threading: the loop's thread.
#pragma once

#include "ring/spin_policy.hpp"

#include <cstdint>

namespace mcpwire::io::detail {

class ChannelSpin {
 public:
  /// A request was answered at once, and ended at `now_ns`: until when to look out for the next
  /// one; 0: not at all.
  std::uint64_t look_out_until(std::uint64_t now_ns, std::uint64_t spin_ns) noexcept {
    if (looked_until_ns_ != 0) {
      if (now_ns <= looked_until_ns_) {
        policy_.paid();
      } else {
        policy_.in_vain();
      }
      looked_until_ns_ = 0;
    }
    if (!policy_.may_spin()) return 0;
    looked_until_ns_ = now_ns + spin_ns;
    return looked_until_ns_;
  }

 private:
  std::uint64_t looked_until_ns_ = 0;
  ring::SpinPolicy policy_;
};

}  // namespace mcpwire::io::detail
