// SPDX-License-Identifier: MIT
#include "io/task.hpp"

#include "tests/io/started_task.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace mcpwire::io {
namespace {

using test_support::FakeEventLoop;

task<int> answer(int value) { co_return value; }

task<int> count_down(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await count_down(depth - 1);
}

task<long> sum_in_a_loop(int rounds) {
  long sum = 0;
  for (int round = 0; round < rounds; ++round) sum += co_await answer(1);
  co_return sum;
}

TEST(TaskTest, RunsOnlyWhenAwaited) {
  bool ran = false;
  static const auto set = [](bool* flag) -> task<int> {
    *flag = true;
    co_return 1;
  };
  FakeEventLoop loop;
  task<int> work = set(&ran);
  EXPECT_FALSE(ran);
  StartedTask<int> started(loop, std::move(work));
  EXPECT_TRUE(ran);
  EXPECT_EQ(started.result(), 1);
}

TEST(TaskTest, IsFreedWithoutEverRunning) {
  auto guard = std::make_shared<int>(7);
  static const auto hold = [](std::shared_ptr<int> kept) -> task<int> { co_return *kept; };
  {
    const task<int> never_awaited = hold(guard);
  }
  EXPECT_EQ(guard.use_count(), 1);
}

// Without symmetric transfer each level would need its own stack frame.
TEST(TaskTest, AwaitsAHundredThousandLevelsDeep) {
  FakeEventLoop loop;
  StartedTask<int> started(loop, count_down(100'000));
  EXPECT_EQ(started.result(), 100'000);
}

TEST(TaskTest, AwaitsAHundredThousandTimesInALoop) {
  FakeEventLoop loop;
  StartedTask<long> started(loop, sum_in_a_loop(100'000));
  EXPECT_EQ(started.result(), 100'000);
}

TEST(TaskTest, CarriesMoveOnlyResults) {
  static const auto make = []() -> task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(5);
  };
  FakeEventLoop loop;
  StartedTask<std::unique_ptr<int>> started(loop, make());
  EXPECT_EQ(*started.result(), 5);
}

// GCC before 13 takes the wrong branch here (PR 106188): such a compiler is refused by CMake, and
// this test says why.
TEST(TaskTest, AwaitInAConditionTakesTheRightBranch) {
  static const auto is_true = [](bool value) -> task<bool> { co_return value; };
  static const auto branch = [](bool value) -> task<int> {
    if (co_await is_true(value)) co_return 1;
    co_return 2;
  };
  FakeEventLoop loop;
  EXPECT_EQ(StartedTask<int>(loop, branch(true)).result(), 1);
  EXPECT_EQ(StartedTask<int>(loop, branch(false)).result(), 2);
}

// GCC before 13 destroys the temporary twice (PR 107288).
TEST(TaskTest, TemporariesInAnAwaitedCallAreDestroyedOnce) {
  static const auto length = [](std::string text) -> task<std::size_t> { co_return text.size(); };
  static const auto total = []() -> task<std::size_t> {
    co_return co_await length(std::string(100, 'x')) + co_await length(std::string(50, 'y'));
  };
  FakeEventLoop loop;
  EXPECT_EQ(StartedTask<std::size_t>(loop, total()).result(), 150U);
}

}  // namespace
}  // namespace mcpwire::io
