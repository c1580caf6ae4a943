// SPDX-License-Identifier: MIT
#include "protocol/base/system_clock.hpp"

#include "protocol/base/check.hpp"

#include <time.h>

namespace mcpwire {
namespace {

std::uint64_t read_clock(clockid_t clock) noexcept {
  timespec now{};
  MCPWIRE_CHECK(clock_gettime(clock, &now) == 0);
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t monotonic_now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }

std::uint64_t SystemClock::realtime_ns() const noexcept { return read_clock(CLOCK_REALTIME); }

}  // namespace mcpwire
