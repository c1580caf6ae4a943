// SPDX-License-Identifier: MIT
//
// When a waiter spins at all: what lately paid, what the peer allows, what a wake-up costs here.
#include "ring/spin_leave.hpp"
#include "ring/spin_policy.hpp"
#include "ring/wake_price.hpp"

#include "protocol/base/seams/clock.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mcpwire::ring {
namespace {

constexpr std::uint64_t kUs = kNanosecondsPerMicrosecond;

TEST(SpinPolicyTest, SpinsWhileItPays) {
  SpinPolicy policy;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(policy.may_spin());
    policy.paid();
  }
}

/// Waits until the next one that may spin.
int waits_until_spin(SpinPolicy& policy) {
  int waits = 0;
  while (!policy.may_spin()) ++waits;
  return waits;
}

TEST(SpinPolicyTest, EachSpinInVainSuspendsTwiceAsManyWaits) {
  SpinPolicy policy;
  for (const int expected : {1, 3, 7, 15, 31, 63, 63, 63}) {
    policy.in_vain();
    EXPECT_EQ(waits_until_spin(policy), expected);
  }
  policy.paid();
  policy.in_vain();
  EXPECT_EQ(waits_until_spin(policy), 1) << "one that paid makes up for all";
}

// A client of a server that takes its time: what it spends on spinning stays under 2 %.
TEST(SpinPolicyTest, InVainForEverCostsOneSpinInSixtyFour) {
  SpinPolicy policy;
  int spins = 0;
  for (int wait = 0; wait < 64'000; ++wait) {
    if (!policy.may_spin()) continue;
    ++spins;
    policy.in_vain();
  }
  EXPECT_LE(spins, 1000 + 6);
  EXPECT_GE(spins, 1000 - 6);
}

TEST(SpinLeaveTest, TheWordLimitsAndNeverExtends) {
  ControlPage page{};
  const SegmentMemory own{&page, nullptr, 0};
  const PeerMemory peer(own);
  EXPECT_EQ(spin_limit_ns(peer, 500), 500U) << "an old peer never writes it";
  publish_spin_leave(own, kSpinForbidden);
  EXPECT_EQ(spin_limit_ns(peer, 500), 0U);
  publish_spin_leave(own, 300);
  EXPECT_EQ(spin_limit_ns(peer, 500), 300U);
  publish_spin_leave(own, ~std::uint64_t{0});
  EXPECT_EQ(spin_limit_ns(peer, 500), 500U) << "whatever a hostile peer writes";
  EXPECT_EQ(spin_limit_ns(peer, 0), 0U);
}

TEST(WakePriceTest, IsHalfTheMedianRoundTrip) {
  EXPECT_EQ(wake_price_of({60 * kUs, 1'000'000 * kUs, 66 * kUs, 70 * kUs, 2 * kUs}), 33 * kUs);
}

TEST(WakePriceTest, AnAbsurdOneIsNone) {
  EXPECT_FALSE(wake_price_of({}).has_value());
  EXPECT_FALSE(wake_price_of({900, 900, 900}).has_value());
  EXPECT_FALSE(wake_price_of({1'100 * kUs, 1'200 * kUs}).has_value());
}

TEST(WakePriceTest, SpinLimitsFollowItWithinBounds) {
  EXPECT_EQ(spin_limits(30 * kUs).client_ns, 150 * kUs);
  EXPECT_EQ(spin_limits(30 * kUs).server_ns, 45 * kUs);
  EXPECT_EQ(spin_limits(1 * kUs).client_ns, 20 * kUs);
  EXPECT_EQ(spin_limits(1 * kUs).server_ns, 10 * kUs);
  EXPECT_EQ(spin_limits(400 * kUs).client_ns, 200 * kUs);
  EXPECT_EQ(spin_limits(400 * kUs).server_ns, 100 * kUs);
}

// Whatever the machine does, the measurement ends, with a price that makes sense or none.
TEST(WakePriceTest, TheMeasurementEnds) {
  const auto price = measure_wake_price_blocking();
  if (price) {
    EXPECT_GE(*price, 500U);
    EXPECT_LE(*price, 500 * kUs);
  }
}

}  // namespace
}  // namespace mcpwire::ring
