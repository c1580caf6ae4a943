// SPDX-License-Identifier: MIT
#include "io/scope.hpp"

#include "io/sleep.hpp"
#include "tests/io/started_task.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace mcpwire::io {
namespace {

using test_support::FakeEventLoop;

struct Record {
  std::vector<int> ended;
  std::vector<ErrorCode> errors;
};

task<Result<void>> sleeper(FakeEventLoop* loop, CancelScope* scope, int milliseconds,
                           Record* record) {
  const auto nanoseconds = static_cast<std::uint64_t>(milliseconds) * kNanosecondsPerMillisecond;
  Result<void> slept = co_await sleep_until(*loop, *scope, loop->now_ns() + nanoseconds);
  record->ended.push_back(milliseconds);
  if (!slept.has_value()) record->errors.push_back(slept.error().code);
  co_return slept;
}

task<Result<void>> failing(FakeEventLoop* loop, CancelScope* scope, int milliseconds,
                           Record* record) {
  Result<void> slept = co_await sleeper(loop, scope, milliseconds, record);
  if (!slept.has_value()) co_return slept;
  co_return fail(ErrorKind::kInternal, ErrorCode::kTooLarge);
}

task<Result<void>> join_all(Scope* scope) { co_return co_await scope->join(); }

class ScopeTest : public ::testing::Test {
 protected:
  FakeEventLoop loop_;
  Record record_;
};

TEST_F(ScopeTest, RunsChildrenSideBySide) {
  Scope scope(loop_);
  for (const int milliseconds : {30, 10, 20}) {
    scope.spawn(sleeper(&loop_, &scope.cancel_scope(), milliseconds, &record_));
  }
  StartedTask<Result<void>> joined(loop_, join_all(&scope));
  EXPECT_EQ(scope.running(), 3U);
  loop_.advance_ns(30 * kNanosecondsPerMillisecond);
  EXPECT_EQ(record_.ended, (std::vector<int>{10, 20, 30}));
  EXPECT_TRUE(joined.result().has_value());
}

TEST_F(ScopeTest, JoinOfNothingReturnsAtOnce) {
  Scope scope(loop_);
  StartedTask<Result<void>> joined(loop_, join_all(&scope));
  EXPECT_TRUE(joined.is_done());
}

TEST_F(ScopeTest, TheFirstFailureCancelsTheSiblingsAndIsReported) {
  Scope scope(loop_);
  scope.spawn(sleeper(&loop_, &scope.cancel_scope(), 50, &record_));
  scope.spawn(failing(&loop_, &scope.cancel_scope(), 10, &record_));
  StartedTask<Result<void>> joined(loop_, join_all(&scope));
  loop_.advance_ns(10 * kNanosecondsPerMillisecond);
  EXPECT_EQ(record_.ended, (std::vector<int>{10, 50}));
  EXPECT_EQ(record_.errors, (std::vector<ErrorCode>{ErrorCode::kSiblingFailed}));
  EXPECT_EQ(joined.result().error().code, ErrorCode::kTooLarge);
}

TEST_F(ScopeTest, JoinWaitsForTheCancelledChildrenToEnd) {
  Scope scope(loop_);
  scope.spawn(sleeper(&loop_, &scope.cancel_scope(), 50, &record_));
  StartedTask<Result<void>> joined(loop_, join_all(&scope));
  scope.cancel_scope().cancel(CancelCause::kShutdown);
  EXPECT_FALSE(joined.is_done());
  loop_.run_until_idle();
  EXPECT_EQ(joined.result().error().code, ErrorCode::kShuttingDown);
}

TEST_F(ScopeTest, TheParentCancelsTheChildren) {
  CancelScope parent;
  Scope scope(loop_, parent);
  scope.spawn(sleeper(&loop_, &scope.cancel_scope(), 50, &record_));
  StartedTask<Result<void>> joined(loop_, join_all(&scope));
  parent.cancel(CancelCause::kPeerGone);
  loop_.run_until_idle();
  EXPECT_EQ(joined.result().error().code, ErrorCode::kClosed);
}

TEST_F(ScopeTest, AChildSpawnedAfterTheCancellationEndsAtOnce) {
  Scope scope(loop_);
  scope.cancel_scope().cancel(CancelCause::kCaller);
  scope.spawn(sleeper(&loop_, &scope.cancel_scope(), 50, &record_));
  EXPECT_EQ(scope.running(), 0U);
  EXPECT_EQ(record_.errors, (std::vector<ErrorCode>{ErrorCode::kCancelledByCaller}));
}

TEST(ScopeDeathTest, LeavingAScopeWithARunningChildIsABug) {
  FakeEventLoop loop;
  Record record;
  EXPECT_DEATH(
      {
        Scope scope(loop);
        scope.spawn(sleeper(&loop, &scope.cancel_scope(), 50, &record));
      },
      "running_ == 0");
}

}  // namespace
}  // namespace mcpwire::io
