// SPDX-License-Identifier: MIT
//
// Clock: the seam through which time is read. Real one: protocol/base/system_clock.hpp; fake one:
// tests/support/fake_event_loop.hpp, whose time moves only when a test says so.
#pragma once

#include <cstdint>

namespace mcpwire {

class Clock {
 public:
  virtual ~Clock() = default;
  /// CLOCK_MONOTONIC in nanoseconds, the same for every process of this machine; deadlines on our
  /// wire are in this time.
  virtual std::uint64_t monotonic_ns() const noexcept = 0;
  /// Wall clock in nanoseconds since 1970, for logs and for ages that outlive the process.
  virtual std::uint64_t realtime_ns() const noexcept = 0;
};

inline constexpr std::uint64_t kNanosecondsPerMicrosecond = 1'000;
inline constexpr std::uint64_t kNanosecondsPerMillisecond = 1'000'000;
inline constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

/// "No deadline".
inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

}  // namespace mcpwire
