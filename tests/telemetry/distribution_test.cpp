// SPDX-License-Identifier: MIT
#include "telemetry/distribution.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace mcpwire::telemetry {
namespace {

TEST(DistributionTest, SaysWhatItsHistogramSays) {
  Histogram histogram;
  for (std::uint64_t value = 1; value < 100'000; value += 37) histogram.record(value);
  const Distribution all = Distribution::of(histogram);
  EXPECT_EQ(all.count(), histogram.count());
  EXPECT_EQ(all.max, histogram.max());
  for (const double share : {0.0, 0.01, 0.5, 0.99, 0.999, 1.0}) {
    EXPECT_EQ(all.percentile(share), histogram.percentile(share)) << share;
  }
}

TEST(DistributionTest, OfNothingIsNothing) {
  const Distribution none = Distribution::of(Histogram());
  EXPECT_TRUE(none.buckets.empty());
  EXPECT_EQ(none.percentile(0.99), 0U);
  EXPECT_EQ(none.since(none).max, 0U);
}

TEST(DistributionTest, WhatCameLaterIsTheDifference) {
  Histogram histogram;
  for (int count = 0; count < 10; ++count) histogram.record(1'000'000);
  histogram.record(7);
  const Distribution before = Distribution::of(histogram);
  for (int count = 0; count < 3; ++count) histogram.record(20);
  histogram.record(7);
  const Distribution later = Distribution::of(histogram).since(before);
  EXPECT_EQ(later.count(), 4U);
  EXPECT_EQ(later.percentile(0.25), 7U);
  EXPECT_EQ(later.percentile(0.26), 20U);
  EXPECT_EQ(later.max, 20U) << "the larger ones were there before";
}

TEST(DistributionTest, SumsHaveTheValuesOfBoth) {
  Histogram one;
  Histogram other;
  for (std::uint64_t value : {1U, 5U, 5U, 900U}) one.record(value);
  for (std::uint64_t value : {5U, 31U, 70'000U}) other.record(value);
  Distribution sum = Distribution::of(one);
  sum += Distribution::of(other);
  Histogram both;
  for (std::uint64_t value : {1U, 5U, 5U, 900U, 5U, 31U, 70'000U}) both.record(value);
  const Distribution expected = Distribution::of(both);
  ASSERT_EQ(sum.buckets.size(), expected.buckets.size());
  for (std::size_t index = 0; index < sum.buckets.size(); ++index) {
    EXPECT_EQ(sum.buckets[index].largest, expected.buckets[index].largest);
    EXPECT_EQ(sum.buckets[index].count, expected.buckets[index].count);
  }
  EXPECT_EQ(sum.max, 70'000U);
}

}  // namespace
}  // namespace mcpwire::telemetry
