// SPDX-License-Identifier: MIT
#include "ring/blocking_clock.hpp"

#include <time.h>

namespace mcpwire::ring {

static std::uint64_t read_clock(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t BlockingClock::monotonic_ns() const noexcept { return read_clock(CLOCK_MONOTONIC); }
std::uint64_t BlockingClock::realtime_ns() const noexcept { return read_clock(CLOCK_REALTIME); }

}  // namespace mcpwire::ring
