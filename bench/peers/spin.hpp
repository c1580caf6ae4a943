// SPDX-License-Identifier: MIT
//
// Spin: how every contender that spins does it: the same pause and, as mcpwire's own waiter, the
// processor offered to others after about 3 us. Without that a library with threads of its own
// would never get to run on the processor that its caller spins on.
// Threading: one thread each.
#pragma once

#include <cstdint>

#include <sched.h>

namespace mcpwire::peers {

class Spin {
 public:
  void once() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __builtin_arm_isb(15);
#endif
    if (++looks_ % kLooksPerYield == 0) ::sched_yield();
  }

 private:
  static constexpr std::uint32_t kLooksPerYield = 64;

  std::uint32_t looks_ = 0;
};

}  // namespace mcpwire::peers
