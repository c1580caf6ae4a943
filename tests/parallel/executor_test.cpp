// SPDX-License-Identifier: MIT
#include "parallel/executor.hpp"

#include "io/one_shot.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <utility>
#include <vector>

namespace mcpwire::parallel {
namespace {

using test_support::BackgroundTask;
using test_support::FakeEventLoop;
using test_support::wait_virtually;
using Ends = std::vector<Finished<int>>;

/// Holds everybody until `parties` have come, then lets these through together.
class Barrier {
 public:
  Barrier(EventLoop& loop, std::size_t parties) : loop_(loop), parties_(parties) {}

  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<void>> meet(io::CancelScope& scope) {
    ++present_;
    present_max = std::max(present_max, present_);
    io::OneShot<void>& gate = waiting_.emplace_back(loop_);
    if (waiting_.size() == parties_) {
      ++meetings;
      for (io::OneShot<void>& other : waiting_) other.resolve({});
      done_.splice(done_.end(), waiting_);
    }
    Result<void> met = co_await gate.wait(scope);
    --present_;
    co_return met;
  }

  std::size_t present() const noexcept { return present_; }
  std::size_t present_max = 0;
  std::size_t meetings = 0;

 private:
  EventLoop& loop_;
  std::size_t parties_;
  std::size_t present_ = 0;
  std::list<io::OneShot<void>> waiting_;
  std::list<io::OneShot<void>> done_;
};

/// The work of most tests: meets the others and returns its item.
struct MeetAtBarrier {
  Barrier* barrier;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<int>> operator()(int item, io::CancelScope& scope) const {
    const Result<void> met = co_await barrier->meet(scope);
    if (!met.has_value()) co_return fail(met.error());
    co_return item;
  }
};

/// Takes as many seconds as its item says and notes when it began. Item 0 never ends by itself.
struct TakeSeconds {
  EventLoop* loop;
  std::vector<int>* begun;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<int>> operator()(int item, io::CancelScope& scope) const {
    begun->push_back(item);
    const std::uint64_t ns = static_cast<std::uint64_t>(item) * kNanosecondsPerSecond;
    const Result<void> waited =
        co_await wait_virtually(*loop, scope, item == 0 ? kNever : loop->now_ns() + ns);
    if (!waited.has_value()) co_return fail(waited.error());
    co_return item * 10;
  }
};

/// Fails without a pause where its item is odd.
struct FailOdd {
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<int>> operator()(int item, io::CancelScope&) const {
    if (item % 2 != 0) co_return fail(ErrorKind::kInternal, ErrorCode::kUnspecified, "odd");
    co_return item;
  }
};

std::vector<int> numbers(int count) {
  std::vector<int> items;
  for (int item = 1; item <= count; ++item) items.push_back(item);
  return items;
}

constexpr std::uint64_t kSecond = kNanosecondsPerSecond;

class ParallelExecutorTest : public testing::Test {
 protected:
  template <class Work>
  BackgroundTask<Ends> start(ParallelExecutor& executor, const std::vector<int>& items,
                             const Work& work) {
    return BackgroundTask<Ends>(loop, executor.run<int>(scope, items, work));
  }

  FakeEventLoop loop;
  io::CancelScope scope;
  std::vector<int> begun;
  TakeSeconds take_seconds{&loop, &begun};
};

TEST_F(ParallelExecutorTest, RunsFiveAtATimeUnlessToldOtherwise) {
  const ParallelExecutor executor(loop);
  EXPECT_EQ(executor.concurrency_limit(), 5U);
  EXPECT_EQ(ParallelExecutor::kDefaultConcurrency, 5U);
}

TEST_F(ParallelExecutorTest, ALimitOfZeroIsABug) {
  EXPECT_DEATH(ParallelExecutor(loop, 0), "permits >= 1");
}

class ParallelExecutorLimitTest : public ParallelExecutorTest,
                                  public testing::WithParamInterface<std::size_t> {};

TEST_P(ParallelExecutorLimitTest, ExactlyTheLimitIsInFlightTogether) {
  const std::size_t limit = GetParam();
  ParallelExecutor executor(loop, limit);
  Barrier barrier(loop, limit);
  const MeetAtBarrier work{&barrier};
  const std::vector<int> items = numbers(static_cast<int>(limit) * 3);
  BackgroundTask<Ends> run = start(executor, items, work);
  loop.run_until_idle();
  // With fewer at a time nobody would ever pass, with more the maximum would show it.
  ASSERT_TRUE(run.has_ended());
  EXPECT_EQ(barrier.meetings, 3U);
  EXPECT_EQ(barrier.present_max, limit);
  for (std::size_t index = 0; index < items.size(); ++index) {
    EXPECT_EQ(run.value()[index].result, items[index]);
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, ParallelExecutorLimitTest, testing::Values(1, 2, 5, 10));

TEST_F(ParallelExecutorTest, TheLimitHoldsOverTwoRunsAtTheSameTime) {
  ParallelExecutor executor(loop, 4);
  Barrier barrier(loop, 4);
  const MeetAtBarrier work{&barrier};
  const std::vector<int> first_items = numbers(3);
  const std::vector<int> second_items = numbers(5);
  BackgroundTask<Ends> first = start(executor, first_items, work);
  BackgroundTask<Ends> second = start(executor, second_items, work);
  EXPECT_EQ(barrier.present(), 4U);
  loop.run_until_idle();
  EXPECT_TRUE(first.has_ended());
  EXPECT_TRUE(second.has_ended());
  EXPECT_EQ(barrier.present_max, 4U);
  EXPECT_EQ(barrier.meetings, 2U);
}

TEST_F(ParallelExecutorTest, NothingToDoEndsAtOnce) {
  ParallelExecutor executor(loop);
  const std::vector<int> none;
  BackgroundTask<Ends> run = start(executor, none, FailOdd{});
  ASSERT_TRUE(run.has_ended());
  EXPECT_TRUE(run.value().empty());
}

TEST_F(ParallelExecutorTest, ResultsKeepTheOrderOfTheItemsHoweverTheyEnd) {
  ParallelExecutor executor(loop);
  const std::vector<int> items = {3, 1, 2};
  BackgroundTask<Ends> run = start(executor, items, take_seconds);
  loop.advance_ns(3 * kSecond);
  ASSERT_TRUE(run.has_ended());
  EXPECT_EQ(run.value()[0].result, 30);
  EXPECT_EQ(run.value()[1].result, 10);
  EXPECT_EQ(run.value()[2].result, 20);
}

TEST_F(ParallelExecutorTest, ItemsBeginInTheirOrderAsPlacesBecomeFree) {
  ParallelExecutor executor(loop, 2);
  const std::vector<int> items = {3, 1, 4, 2};
  BackgroundTask<Ends> run = start(executor, items, take_seconds);
  EXPECT_EQ(begun, (std::vector<int>{3, 1}));
  loop.advance_ns(kSecond);
  EXPECT_EQ(begun, (std::vector<int>{3, 1, 4}));
  loop.advance_ns(2 * kSecond);
  EXPECT_EQ(begun, (std::vector<int>{3, 1, 4, 2}));
  loop.advance_ns(2 * kSecond);
  EXPECT_TRUE(run.has_ended());
}

TEST_F(ParallelExecutorTest, DurationsCountTheWorkAndNotTheWaiting) {
  ParallelExecutor executor(loop, 1);
  const std::vector<int> items = {3, 1, 2};
  BackgroundTask<Ends> run = start(executor, items, take_seconds);
  loop.advance_ns(6 * kSecond);
  ASSERT_TRUE(run.has_ended());
  EXPECT_EQ(run.value()[0].duration_ns, 3 * kSecond);
  EXPECT_EQ(run.value()[1].duration_ns, 1 * kSecond);
  EXPECT_EQ(run.value()[2].duration_ns, 2 * kSecond);
}

TEST_F(ParallelExecutorTest, AFailureStaysWithItsItem) {
  ParallelExecutor executor(loop, 2);
  const std::vector<int> items = numbers(6);
  BackgroundTask<Ends> run = start(executor, items, FailOdd{});
  loop.run_until_idle();
  ASSERT_TRUE(run.has_ended());
  for (int item = 1; item <= 6; ++item) {
    const Result<int>& result = run.value()[static_cast<std::size_t>(item) - 1].result;
    EXPECT_EQ(result.has_value(), item % 2 == 0) << item;
    if (!result.has_value()) EXPECT_EQ(result.error().message(), "odd");
  }
}

TEST_F(ParallelExecutorTest, AHangingItemHoldsItsOwnPlaceOnly) {
  ParallelExecutor executor(loop, 2);
  const std::vector<int> items = {0, 1, 1, 1};
  BackgroundTask<Ends> run = start(executor, items, take_seconds);
  loop.advance_ns(3 * kSecond);
  EXPECT_EQ(begun, (std::vector<int>{0, 1, 1, 1}));
  EXPECT_FALSE(run.has_ended());
  scope.cancel(io::CancelCause::kDeadline);
  loop.run_until_idle();
  ASSERT_TRUE(run.has_ended());
  EXPECT_EQ(run.value()[0].result.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(run.value()[0].duration_ns, 3 * kSecond);
  for (std::size_t index = 1; index < 4; ++index) EXPECT_EQ(run.value()[index].result, 10);
}

TEST_F(ParallelExecutorTest, WhatWaitsWhenTheScopeIsCancelledNeverBegins) {
  ParallelExecutor executor(loop, 1);
  const std::vector<int> items = {2, 1, 1};
  BackgroundTask<Ends> run = start(executor, items, take_seconds);
  loop.advance_ns(kSecond);
  scope.cancel(io::CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(run.has_ended());
  EXPECT_EQ(begun, (std::vector<int>{2}));
  for (const Finished<int>& end : run.value()) {
    EXPECT_EQ(end.result.error().code, ErrorCode::kCancelledByCaller);
  }
  EXPECT_EQ(run.value()[0].duration_ns, kSecond);
  EXPECT_EQ(run.value()[1].duration_ns, 0U);
}

TEST_F(ParallelExecutorTest, NothingBeginsUnderAScopeThatIsCancelledAlready) {
  ParallelExecutor executor(loop, 2);
  scope.cancel(io::CancelCause::kShutdown);
  const std::vector<int> items = numbers(3);
  BackgroundTask<Ends> run = start(executor, items, take_seconds);
  loop.run_until_idle();
  ASSERT_TRUE(run.has_ended());
  EXPECT_TRUE(begun.empty());
  for (const Finished<int>& end : run.value()) {
    EXPECT_EQ(end.result.error().code, ErrorCode::kShuttingDown);
  }
}

TEST_F(ParallelExecutorTest, AnItemLetThroughInTheTurnOfTheCancellationDoesNotBegin) {
  struct WaitAtGate {
    io::OneShot<void>* gate;
    std::vector<int>* begun;
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
    io::task<Result<int>> operator()(int item, io::CancelScope& own) const {
      begun->push_back(item);
      const Result<void> opened = co_await gate->wait(own);
      if (!opened.has_value()) co_return fail(opened.error());
      co_return item;
    }
  };
  io::OneShot<void> gate(loop);
  const WaitAtGate work{&gate, &begun};
  ParallelExecutor executor(loop, 1);
  const std::vector<int> items = {1, 2};
  BackgroundTask<Ends> run = start(executor, items, work);
  gate.resolve({});
  // One step: the first item ends and hands its place on. The second is let through, not resumed.
  ASSERT_TRUE(loop.run_one());
  scope.cancel(io::CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(run.has_ended());
  EXPECT_EQ(begun, (std::vector<int>{1}));
  EXPECT_EQ(run.value()[0].result, 1);
  EXPECT_EQ(run.value()[1].result.error().code, ErrorCode::kCancelledByCaller);
}

TEST_F(ParallelExecutorTest, PlacesOfCancelledItemsAreFreeForTheNextRun) {
  ParallelExecutor executor(loop, 2);
  const std::vector<int> hanging = {0, 0, 0};
  BackgroundTask<Ends> first = start(executor, hanging, take_seconds);
  scope.cancel(io::CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(first.has_ended());

  io::CancelScope fresh;
  Barrier barrier(loop, 2);
  const MeetAtBarrier work{&barrier};
  const std::vector<int> items = numbers(4);
  BackgroundTask<Ends> second(loop, executor.run<int>(fresh, items, work));
  loop.run_until_idle();
  ASSERT_TRUE(second.has_ended());
  EXPECT_EQ(barrier.present_max, 2U);
}

}  // namespace
}  // namespace mcpwire::parallel
