// SPDX-License-Identifier: MIT
//
// A lane: one contender, one payload, one placement. run_lane() forks two fresh processes (or one
// with two threads) for every run, so that a run says nothing about the memory layout of the next.
// Threading: to be called while the process has one thread.
#pragma once

#include "bench/peers/contender.hpp"
#include "protocol/base/result.hpp"

#include <cstdint>
#include <vector>

namespace mcpwire::peers {

enum class Ends { kProcesses, kThreads };
enum class Placement { kPinned, kUnpinned };

struct LaneOptions {
  LaneSetup setup;
  Ends ends = Ends::kProcesses;
  Placement placement = Placement::kPinned;
  std::uint64_t gap_ns = 0;         ///< The caller is busy this long before each request.
  std::uint64_t slot_ns = 0;        ///< Round trips or messages are made for this long,
  std::size_t samples_max = 0;      ///< but at most this many round trips
  std::uint64_t messages_max = 0;   ///< or messages; 0: no limit but the time.
  std::uint32_t warm_up_calls = 0;  ///< Round trips before the samples.
};

struct LaneRun {
  std::vector<std::uint32_t> samples_ns;  ///< Round trips; empty for a stream.
  double messages_per_s = 0;              ///< Streams.
  double cpu_ns_per_operation = 0;        ///< Both ends, all their threads.
};

/// kUnsupported without two processors to pin to. kInternal if an end failed: it died, took more
/// than a minute, could not open, or got wrong bytes; both are gone afterwards.
Result<LaneRun> run_lane(const MakeContender& make, const LaneOptions& options);

}  // namespace mcpwire::peers
