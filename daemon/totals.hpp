// SPDX-License-Identifier: MIT
//
// DaemonTotals: what status tells of one loop, or of all of them together.
// Threading: a value.
#pragma once

#include "protocol/params.hpp"
#include "telemetry/distribution.hpp"

#include <cstdint>
#include <vector>

namespace mcpwire::daemon {

/// One loop, since its start.
struct LoopTotals {
  std::uint64_t turns = 0;
  std::uint64_t system_calls = 0;
  std::uint64_t calls = 0;
  telemetry::Distribution lag;  ///< Nanoseconds; see io/loop_lag.hpp.
};

struct DaemonTotals {
  std::uint64_t calls = 0;
  std::uint64_t clients = 0;
  std::uint64_t servers = 0;
  std::uint64_t violations = 0;
  std::uint64_t refusals = 0;
  protocol::LargePayloadCounters large{};
  std::vector<LoopTotals> loops{};

  DaemonTotals& operator+=(const DaemonTotals& other) {
    calls += other.calls;
    clients += other.clients;
    servers += other.servers;
    violations += other.violations;
    refusals += other.refusals;
    large.slab_answers += other.large.slab_answers;
    large.new_slabs += other.large.new_slabs;
    large.slab_bytes_copied += other.large.slab_bytes_copied;
    large.large_lines += other.large.large_lines;
    large.line_reads += other.large.line_reads;
    large.line_bytes_read += other.large.line_bytes_read;
    large.line_bytes_copied += other.large.line_bytes_copied;
    loops.insert(loops.end(), other.loops.begin(), other.loops.end());
    return *this;
  }
};

}  // namespace mcpwire::daemon
