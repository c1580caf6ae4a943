// SPDX-License-Identifier: MIT
#include "client/detail/liveness.hpp"

#include <gtest/gtest.h>

namespace mcpwire::client::detail {
namespace {

using Duty = Liveness::Duty;

class LivenessTest : public ::testing::Test {
 protected:
  LivenessTest() { liveness_.restart(1000); }
  Liveness liveness_{60, 30};
};

TEST_F(LivenessTest, ASilentDaemonIsAskedAndThenGivenUp) {
  EXPECT_EQ(liveness_.duty(1059), Duty::kNone);
  EXPECT_EQ(liveness_.duty(1060), Duty::kAsk);
  liveness_.asked(1061);
  EXPECT_EQ(liveness_.due_ns(), 1091U);
  EXPECT_EQ(liveness_.duty(1090), Duty::kNone);
  EXPECT_EQ(liveness_.duty(1091), Duty::kGiveUp);
}

TEST_F(LivenessTest, AnyFrameProvesLife) {
  liveness_.observe(1, 1050);
  EXPECT_EQ(liveness_.due_ns(), 1110U);
  liveness_.asked(1110);
  liveness_.observe(2, 1120);
  EXPECT_EQ(liveness_.duty(1150), Duty::kNone);
  EXPECT_EQ(liveness_.duty(1180), Duty::kAsk);
}

TEST_F(LivenessTest, LookingAgainProvesNothing) {
  liveness_.observe(0, 1050);
  EXPECT_EQ(liveness_.duty(1060), Duty::kAsk);
}

TEST_F(LivenessTest, ANewLinkStartsAnew) {
  liveness_.observe(7, 1010);
  liveness_.asked(1070);
  liveness_.restart(2000);
  liveness_.observe(7, 2010);
  EXPECT_EQ(liveness_.due_ns(), 2070U);
}

TEST(LivenessWithoutLimitTest, NobodyIsEverAsked) {
  Liveness liveness(kNever, 30);
  liveness.restart(1000);
  EXPECT_EQ(liveness.due_ns(), kNever);
}

}  // namespace
}  // namespace mcpwire::client::detail
