// SPDX-License-Identifier: MIT
//
// Histogram: how often a value occurred, in buckets that are as wide as the value is large: sixteen
// per doubling, so a percentile is at most 1/16 too high. All 64-bit values have a bucket.
//
// Threading: one writer; read on the same thread.
// Costs: recording is some arithmetic and one increment; 7.6 KiB of memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mcpwire::telemetry {

class Histogram {
 public:
  void record(std::uint64_t value) noexcept {
    ++counts_[bucket_of(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t max() const noexcept { return max_; }

  /// The smallest value that at least `share` (0 to 1) of all values do not exceed, rounded up to
  /// its bucket's end; 0 where nothing was recorded.
  std::uint64_t percentile(double share) const noexcept {
    if (count_ == 0) return 0;
    const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += counts_[bucket];
      if (seen != 0 && static_cast<double>(seen) >= wanted) return std::min(end_of(bucket), max_);
    }
    return max_;
  }

  /// Calls `visit(largest value, count)` for each bucket with something in it, ascending.
  template <class Visit>
  void for_each_bucket(Visit&& visit) const {
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      if (counts_[bucket] != 0) visit(end_of(bucket), counts_[bucket]);
    }
  }

 private:
  static constexpr unsigned kSubBits = 4;
  static constexpr std::size_t kSubBuckets = std::size_t{1} << kSubBits;
  /// Values below 2 * kSubBuckets have a bucket each; then kSubBuckets for each doubling.
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSubBuckets;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < kSubBuckets) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
    return shift * kSubBuckets + static_cast<std::size_t>(value >> shift);
  }
  /// The largest value of the bucket.
  static constexpr std::uint64_t end_of(std::size_t bucket) noexcept {
    if (bucket < 2 * kSubBuckets) return bucket;
    const std::size_t shift = bucket / kSubBuckets - 1;
    const std::uint64_t first = (bucket - shift * kSubBuckets) << shift;
    return first + ((std::uint64_t{1} << shift) - 1);
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace mcpwire::telemetry
