// SPDX-License-Identifier: MIT
#include "client/detail/spin_policy.hpp"

#include <gtest/gtest.h>

namespace mcpwire::client::detail {
namespace {

TEST(SpinPolicyTest, SpinsAtFirstAndAsLongAsItPays) {
  SpinPolicy policy;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(policy.may_spin());
    policy.paid();
  }
}

/// Waits between this spin, which was in vain, and the next one.
int waits_until_next_spin(SpinPolicy& policy) {
  policy.in_vain();
  int waits = 0;
  while (!policy.may_spin()) ++waits;
  return waits;
}

TEST(SpinPolicyTest, EachSpinInVainDoublesThePauseUpToALimit) {
  SpinPolicy policy;
  for (const int expected : {1, 3, 7, 15, 31, 63, 63, 63}) {
    EXPECT_EQ(waits_until_next_spin(policy), expected);
  }
}

TEST(SpinPolicyTest, OneThatPaysForgetsThePast) {
  SpinPolicy policy;
  for (int i = 0; i < 5; ++i) waits_until_next_spin(policy);
  policy.paid();
  EXPECT_TRUE(policy.may_spin());
  EXPECT_EQ(waits_until_next_spin(policy), 1);
}

}  // namespace
}  // namespace mcpwire::client::detail
