// SPDX-License-Identifier: MIT
#include "telemetry/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace mcpwire::telemetry {
namespace {

std::uint64_t exact(std::vector<std::uint64_t> values, double share) {
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

TEST(HistogramTest, SaysNothingOfNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.percentile(0.99), 0U);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 32; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0), 0U);
  EXPECT_EQ(histogram.percentile(0.5), 15U);
  EXPECT_EQ(histogram.percentile(1), 31U);
}

TEST(HistogramTest, EveryPercentileIsAtMostASixteenthTooHigh) {
  std::vector<std::uint64_t> values;
  Histogram histogram;
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    values.push_back(state >> (state >> 58));  // All magnitudes.
    histogram.record(values.back());
  }
  for (const double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const std::uint64_t right = exact(values, share);
    const std::uint64_t said = histogram.percentile(share);
    EXPECT_GE(said, right) << share;
    EXPECT_LE(said - right, right / 16) << share;
  }
  EXPECT_EQ(histogram.count(), values.size());
}

TEST(HistogramTest, TheLargestValueHasABucket) {
  Histogram histogram;
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  histogram.record(kLargest);
  EXPECT_EQ(histogram.percentile(0.5), kLargest);
  EXPECT_EQ(histogram.max(), kLargest);
}

}  // namespace
}  // namespace mcpwire::telemetry
