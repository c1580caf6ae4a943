// SPDX-License-Identifier: MIT
#include "io/sleep.hpp"

#include "tests/io/started_task.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

namespace mcpwire::io {
namespace {

using test_support::FakeEventLoop;
using Slept = StartedTask<Result<void>>;

class SleepTest : public ::testing::Test {
 protected:
  FakeEventLoop loop_;
  CancelScope scope_;
};

TEST_F(SleepTest, EndsAtItsDeadlineAndNotBefore) {
  Slept slept(loop_, sleep_until(loop_, scope_, loop_.now_ns() + 100));
  loop_.advance_ns(99);
  EXPECT_FALSE(slept.is_done());
  loop_.advance_ns(1);
  EXPECT_TRUE(slept.result().has_value());
}

TEST_F(SleepTest, CancellationEndsItAndDisarmsItsTimer) {
  Slept slept(loop_, sleep_until(loop_, scope_, loop_.now_ns() + 100));
  scope_.cancel(CancelCause::kPeerGone);
  loop_.run_until_idle();
  EXPECT_EQ(slept.result().error().code, ErrorCode::kClosed);
  EXPECT_EQ(loop_.next_timer_ns(), kNever);
}

TEST_F(SleepTest, ForEverArmsNoTimer) {
  Slept slept(loop_, sleep_until(loop_, scope_, kNever));
  EXPECT_EQ(loop_.next_timer_ns(), kNever);
  scope_.cancel(CancelCause::kCaller);
  loop_.run_until_idle();
  EXPECT_TRUE(slept.is_done());
}

TEST_F(SleepTest, ADeadlineCancelsItsScope) {
  DeadlineTimer deadline(loop_, scope_);
  deadline.set(loop_.now_ns() + 100);
  loop_.advance_ns(100);
  EXPECT_EQ(scope_.cause(), CancelCause::kDeadline);
}

TEST_F(SleepTest, ADeadlineCanBeMovedAndTakenBack) {
  DeadlineTimer deadline(loop_, scope_);
  deadline.set(loop_.now_ns() + 100);
  deadline.set(loop_.now_ns() + 200);
  loop_.advance_ns(150);
  EXPECT_FALSE(scope_.is_cancelled());
  deadline.set(kNever);
  loop_.advance_ns(100);
  EXPECT_FALSE(scope_.is_cancelled());
}

}  // namespace
}  // namespace mcpwire::io
