// SPDX-License-Identifier: MIT
//
// BlockingClock: the machine's clocks for programs without an event loop (clients, benchmarks).
// Threading: stateless; share freely.
#pragma once

#include "protocol/base/seams/clock.hpp"

namespace mcpwire::ring {

class BlockingClock final : public Clock {
 public:
  std::uint64_t monotonic_ns() const noexcept override;
  std::uint64_t realtime_ns() const noexcept override;
};

}  // namespace mcpwire::ring
