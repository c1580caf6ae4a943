// SPDX-License-Identifier: MIT
//
// SystemClock: the machine's time behind the Clock seam.
// Threading: any thread.
#pragma once

#include "protocol/base/seams/clock.hpp"

#include <cstdint>

namespace mcpwire {

/// CLOCK_MONOTONIC in nanoseconds, what SystemClock reads. No system call (vDSO).
std::uint64_t monotonic_now_ns() noexcept;

class SystemClock final : public Clock {
 public:
  std::uint64_t monotonic_ns() const noexcept override { return monotonic_now_ns(); }
  std::uint64_t realtime_ns() const noexcept override;
};

}  // namespace mcpwire
