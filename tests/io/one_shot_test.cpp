// SPDX-License-Identifier: MIT
#include "io/one_shot.hpp"

#include "tests/io/started_task.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

namespace mcpwire::io {
namespace {

using test_support::FakeEventLoop;

task<Result<int>> wait_for(OneShot<int>* shot, CancelScope* scope) {
  co_return co_await shot->wait(*scope);
}

class OneShotTest : public ::testing::Test {
 protected:
  FakeEventLoop loop_;
  CancelScope scope_;
  OneShot<int> shot_{loop_};
};

TEST_F(OneShotTest, DeliversWhatIsThereAlready) {
  shot_.resolve(4);
  StartedTask<Result<int>> waiter(loop_, wait_for(&shot_, &scope_));
  EXPECT_EQ(waiter.result().value(), 4);
}

TEST_F(OneShotTest, ResumesTheWaiterFromTheLoopAndNotFromResolve) {
  StartedTask<Result<int>> waiter(loop_, wait_for(&shot_, &scope_));
  shot_.resolve(4);
  EXPECT_FALSE(waiter.is_done());
  loop_.run_until_idle();
  EXPECT_EQ(waiter.result().value(), 4);
}

TEST_F(OneShotTest, OnlyTheFirstResultCounts) {
  StartedTask<Result<int>> waiter(loop_, wait_for(&shot_, &scope_));
  shot_.resolve(1);
  shot_.resolve(2);
  scope_.cancel(CancelCause::kCaller);
  loop_.run_until_idle();
  EXPECT_EQ(waiter.result().value(), 1);
}

TEST_F(OneShotTest, CancellationEndsTheWaitWithItsCause) {
  StartedTask<Result<int>> waiter(loop_, wait_for(&shot_, &scope_));
  scope_.cancel(CancelCause::kDeadline);
  EXPECT_FALSE(waiter.is_done()) << "the canceller's stack must not run the waiter";
  loop_.run_until_idle();
  EXPECT_EQ(waiter.result().error().code, ErrorCode::kDeadlineExceeded);
  shot_.resolve(3);
  loop_.run_until_idle();
}

TEST_F(OneShotTest, CancelledBeforeTheWaitFailsAtOnce) {
  scope_.cancel(CancelCause::kCaller);
  StartedTask<Result<int>> waiter(loop_, wait_for(&shot_, &scope_));
  EXPECT_EQ(waiter.result().error().code, ErrorCode::kCancelledByCaller);
}

}  // namespace
}  // namespace mcpwire::io
