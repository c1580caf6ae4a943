// SPDX-License-Identifier: MIT
//
// Distribution: what a Histogram has counted, as a value that can be sent, kept and subtracted. The
// one decision: each bucket carries its largest value, so nobody who reads one has to know how they
// are laid out.
//
// Threading: a value.
#pragma once

#include "telemetry/histogram.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace mcpwire::telemetry {

struct Distribution {
  struct Bucket {
    std::uint64_t largest = 0;
    std::uint64_t count = 0;
  };

  std::vector<Bucket> buckets;  ///< Ascending; none is empty.
  std::uint64_t max = 0;        ///< At most the last bucket's largest value.

  static Distribution of(const Histogram& histogram) {
    Distribution result;
    histogram.for_each_bucket([&result](std::uint64_t largest, std::uint64_t count) {
      result.buckets.push_back({largest, count});
    });
    result.max = histogram.max();
    return result;
  }

  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const Bucket& bucket : buckets) sum += bucket.count;
    return sum;
  }

  /// As Histogram::percentile.
  std::uint64_t percentile(double share) const noexcept {
    const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count());
    std::uint64_t seen = 0;
    for (const Bucket& bucket : buckets) {
      seen += bucket.count;
      if (static_cast<double>(seen) >= wanted) return std::min(bucket.largest, max);
    }
    return max;
  }

  /// What was counted after `earlier`, of the same histogram. Its maximum is known as well as its
  /// last bucket says.
  Distribution since(const Distribution& earlier) const {
    Distribution result;
    auto before = earlier.buckets.begin();
    for (const Bucket& bucket : buckets) {
      while (before != earlier.buckets.end() && before->largest < bucket.largest) ++before;
      const bool was_there = before != earlier.buckets.end() && before->largest == bucket.largest;
      const std::uint64_t known = was_there ? std::min(before->count, bucket.count) : 0;
      if (bucket.count > known) result.buckets.push_back({bucket.largest, bucket.count - known});
    }
    if (!result.buckets.empty()) result.max = std::min(max, result.buckets.back().largest);
    return result;
  }

  /// All of `other` as well.
  Distribution& operator+=(const Distribution& other) {
    std::vector<Bucket> all;
    auto ours = buckets.begin();
    auto theirs = other.buckets.begin();
    while (ours != buckets.end() || theirs != other.buckets.end()) {
      const bool is_ours = theirs == other.buckets.end() ||
                           (ours != buckets.end() && ours->largest <= theirs->largest);
      const Bucket& next = is_ours ? *ours++ : *theirs++;
      if (!all.empty() && all.back().largest == next.largest) {
        all.back().count += next.count;
      } else {
        all.push_back(next);
      }
    }
    buckets = std::move(all);
    max = std::max(max, other.max);
    return *this;
  }
};

}  // namespace mcpwire::telemetry
