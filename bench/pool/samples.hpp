// SPDX-License-Identifier: MIT
//
// Samples: every single duration of a benchmark, reported as percentiles: a mean hides the tail.
// Threading: one thread.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mcpwire::bench {

class Samples {
 public:
  /// Room for this many, so that the measured code never waits for the vector to grow. What comes
  /// after the room is used up is counted and reported as `unsampled`.
  explicit Samples(std::size_t room = std::size_t{1} << 20) { durations_ns_.reserve(room); }

  static std::uint64_t now_ns() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
  }

  void add(std::uint64_t duration_ns) noexcept {
    if (durations_ns_.size() < durations_ns_.capacity()) {
      durations_ns_.push_back(duration_ns);
    } else {
      ++unsampled_;
    }
  }

  /// Sets the counters p50_ns, p99_ns, p999_ns, max_ns and samples.
  void report(benchmark::State& state) {
    if (durations_ns_.empty()) return;
    std::ranges::sort(durations_ns_);
    state.counters["p50_ns"] = at_permille(500);
    state.counters["p99_ns"] = at_permille(990);
    state.counters["p999_ns"] = at_permille(999);
    state.counters["max_ns"] = static_cast<double>(durations_ns_.back());
    state.counters["samples"] = static_cast<double>(durations_ns_.size());
    if (unsampled_ != 0) state.counters["unsampled"] = static_cast<double>(unsampled_);
  }

 private:
  double at_permille(std::size_t permille) const {
    const std::size_t last = durations_ns_.size() - 1;
    return static_cast<double>(durations_ns_[last * permille / 1000]);
  }

  std::vector<std::uint64_t> durations_ns_;
  std::uint64_t unsampled_ = 0;
};

}  // namespace mcpwire::bench
