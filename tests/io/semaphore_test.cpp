// SPDX-License-Identifier: MIT
#include "io/semaphore.hpp"

#include "tests/io/started_task.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

namespace mcpwire::io {
namespace {

using test_support::FakeEventLoop;
using Acquired = StartedTask<Result<void>>;

class SemaphoreTest : public ::testing::Test {
 protected:
  FakeEventLoop loop_;
  CancelScope scope_;
  CancelScope other_scope_;
  Semaphore semaphore_{loop_, 1};
};

TEST_F(SemaphoreTest, LetsThroughWhatItHasPermitsFor) {
  Acquired first(loop_, semaphore_.acquire(scope_));
  EXPECT_TRUE(first.is_done());
  EXPECT_EQ(semaphore_.available(), 0U);
  semaphore_.release();
  EXPECT_EQ(semaphore_.available(), 1U);
}

TEST_F(SemaphoreTest, HandsThePermitToTheFirstWaiter) {
  Acquired holder(loop_, semaphore_.acquire(scope_));
  Acquired first(loop_, semaphore_.acquire(scope_));
  Acquired second(loop_, semaphore_.acquire(scope_));
  semaphore_.release();
  EXPECT_EQ(semaphore_.available(), 0U) << "a newcomer must not overtake the waiter";
  loop_.run_until_idle();
  EXPECT_TRUE(first.is_done());
  EXPECT_FALSE(second.is_done());
  semaphore_.release();
  loop_.run_until_idle();
  EXPECT_TRUE(second.is_done());
}

TEST_F(SemaphoreTest, ACancelledWaiterIsSkipped) {
  Acquired holder(loop_, semaphore_.acquire(scope_));
  Acquired cancelled(loop_, semaphore_.acquire(other_scope_));
  Acquired waiting(loop_, semaphore_.acquire(scope_));
  other_scope_.cancel(CancelCause::kCaller);
  // In the same turn: the cancelled waiter has its error but has not left the list.
  semaphore_.release();
  loop_.run_until_idle();
  EXPECT_FALSE(cancelled.result().has_value());
  EXPECT_TRUE(waiting.result().has_value());
}

TEST_F(SemaphoreTest, APermitIsNotLostWhenAllWaitersWereCancelled) {
  Acquired holder(loop_, semaphore_.acquire(scope_));
  Acquired cancelled(loop_, semaphore_.acquire(other_scope_));
  other_scope_.cancel(CancelCause::kCaller);
  loop_.run_until_idle();
  EXPECT_FALSE(cancelled.result().has_value());
  semaphore_.release();
  EXPECT_EQ(semaphore_.available(), 1U);
}

TEST_F(SemaphoreTest, CancelledBeforeItStartsTakesNoPermit) {
  scope_.cancel(CancelCause::kCaller);
  Acquired late(loop_, semaphore_.acquire(scope_));
  EXPECT_FALSE(late.result().has_value());
  EXPECT_EQ(semaphore_.available(), 1U);
}

// The permit was handed over, and the waiter was cancelled before it ran: it holds the permit,
// because the hand-over came first.
TEST_F(SemaphoreTest, CancellationAfterTheHandOverComesTooLate) {
  Acquired holder(loop_, semaphore_.acquire(scope_));
  Acquired waiting(loop_, semaphore_.acquire(other_scope_));
  semaphore_.release();
  other_scope_.cancel(CancelCause::kCaller);
  loop_.run_until_idle();
  EXPECT_TRUE(waiting.result().has_value());
  semaphore_.release();
  EXPECT_EQ(semaphore_.available(), 1U);
}

}  // namespace
}  // namespace mcpwire::io
