// SPDX-License-Identifier: MIT
#include "io/loop.hpp"

#include "tests/io/loop_fixture.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace mcpwire::io {
namespace {

class CallbackTimer final : public Timer {
 public:
  explicit CallbackTimer(std::function<void()> callback) : callback_(std::move(callback)) {}
  void on_timer() override { callback_(); }

 private:
  std::function<void()> callback_;
};

class CallbackWork final : public Runnable {
 public:
  explicit CallbackWork(std::function<void()> callback) : callback_(std::move(callback)) {}
  void run() override { callback_(); }

 private:
  std::function<void()> callback_;
};

class LoopTest : public LoopFixture {};
MCPWIRE_INSTANTIATE_ON_KERNELS(LoopTest);

TEST_P(LoopTest, HiddenFeaturesAreNotThere) {
  EXPECT_EQ(loop_->features().bits() & GetParam().hidden_features, 0U);
}

TEST_P(LoopTest, TimersFireInTheOrderOfTheirDeadlines) {
  std::vector<int> order;
  CallbackTimer late([&] { order.push_back(3); });
  CallbackTimer early([&] { order.push_back(1); });
  CallbackTimer middle([&] { order.push_back(2); });
  const std::uint64_t now = loop_->now_ns();
  loop_->arm(late, now + 3 * kNanosecondsPerMillisecond);
  loop_->arm(early, now + 1 * kNanosecondsPerMillisecond);
  loop_->arm(middle, now + 2 * kNanosecondsPerMillisecond);
  run_until([&] { return order.size() == 3; });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(LoopTest, ATimerNeverFiresBeforeItsDeadline) {
  const std::uint64_t deadline = loop_->now_ns() + 2 * kNanosecondsPerMillisecond;
  std::uint64_t fired_at = 0;
  CallbackTimer timer([&] { fired_at = loop_->now_ns(); });
  loop_->arm(timer, deadline);
  run_until([&] { return fired_at != 0; });
  EXPECT_GE(fired_at, deadline);
}

TEST_P(LoopTest, ADisarmedTimerStaysSilent) {
  bool fired = false;
  CallbackTimer timer([&] { fired = true; });
  loop_->arm(timer, loop_->now_ns());
  loop_->disarm(timer);
  settle();
  EXPECT_FALSE(fired);
}

TEST_P(LoopTest, PostedWorkRunsInOrderAndNeverInsidePost) {
  std::vector<int> order;
  CallbackWork inner([&] { order.push_back(3); });
  CallbackWork second([&] { order.push_back(2); });
  CallbackWork first([&] {
    loop_->post(inner);
    order.push_back(1);
  });
  loop_->post(first);
  loop_->post(second);
  loop_->post(second);
  EXPECT_TRUE(order.empty());
  settle();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(LoopTest, WorkForTheNextTurnDoesNotRunInThisOne) {
  int runs = 0;
  CallbackWork again([&] {
    ++runs;
    loop_->post_next_turn(again);
  });
  loop_->post(again);
  for (int turn = 1; turn <= 3; ++turn) {
    loop_->run_once(kNever);
    EXPECT_EQ(runs, turn);
  }
}

TEST_P(LoopTest, DestroyedWorkIsForgotten) {
  bool ran = false;
  {
    CallbackWork gone([&] { ran = true; });
    loop_->post(gone);
  }
  settle();
  EXPECT_FALSE(ran);
}

// Work that posts itself for ever must not keep completions away.
TEST_P(LoopTest, EndlessWorkDoesNotStarveStreamsAndTimers) {
  CallbackWork* self = nullptr;
  CallbackWork endless([&] { loop_->post(*self); });
  self = &endless;
  loop_->post(endless);
  bool fired = false;
  CallbackTimer timer([&] { fired = true; });
  loop_->arm(timer, loop_->now_ns() + kNanosecondsPerMillisecond);
  Pipe pipe = make_pipe();
  put(pipe.write_end, "hello");
  RecordingSink sink;
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink);
  run_until([&] { return fired && sink.text == "hello"; });
}

TEST_P(LoopTest, StopEndsRun) {
  CallbackWork stopper([&] { loop_->stop(); });
  loop_->post(stopper);
  loop_->run();
  EXPECT_EQ(loop_->counters().turns, 1U);
}

TEST_P(LoopTest, AStopBeforeRunIsNotLost) {
  loop_->stop();
  loop_->run();
  EXPECT_EQ(loop_->counters().turns, 0U);
}

TEST_P(LoopTest, ATurnWithoutWorkReturnsAfterItsWait) {
  EXPECT_FALSE(loop_->run_once(0));
  // The end of another test's ring may interrupt a wait of this thread (EINTR), but not each one.
  std::uint64_t longest_ns = 0;
  for (int turn = 0; turn < 50 && longest_ns < 2 * kNanosecondsPerMillisecond; ++turn) {
    const std::uint64_t before = monotonic_now_ns();
    EXPECT_FALSE(loop_->run_once(2 * kNanosecondsPerMillisecond));
    longest_ns = std::max(longest_ns, monotonic_now_ns() - before);
  }
  EXPECT_GE(longest_ns, 2 * kNanosecondsPerMillisecond);
}

TEST_P(LoopTest, TheTurnObserverHearsOfEachTurn) {
  class Counting final : public TurnObserver {
   public:
    void on_turn(std::uint64_t) override { ++turns; }
    int turns = 0;
  } observer;
  loop_->set_turn_observer(&observer);
  loop_->run_once(0);
  loop_->run_once(0);
  EXPECT_EQ(observer.turns, 2);
}

TEST(KernelFeaturesTest, HiddenFeaturesAreParsed) {
  EXPECT_EQ(parse_hidden_features("").value(), 0U);
  EXPECT_EQ(parse_hidden_features("6.1").value(), kKernel61Mask);
  EXPECT_EQ(parse_hidden_features("5").value(), 5U);
  EXPECT_EQ(parse_hidden_features("0x3").value(), 3U);
  for (const char* bad : {"x", "0x", "6.2", "1 ", "-1", "99999999999"}) {
    const Result<std::uint32_t> result = parse_hidden_features(bad);
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_NE(result.error().message().find(kHideKernelFeaturesVariable), std::string::npos);
  }
}

TEST(KernelFeaturesTest, ProbingFindsOnlyWhatIsNotHidden) {
  const std::uint32_t all = probe_kernel_features(0).bits();
  EXPECT_EQ(probe_kernel_features(kKernel61Mask).bits(), 0U);
  EXPECT_EQ(probe_kernel_features(1).bits(), all & ~1U);
}

}  // namespace
}  // namespace mcpwire::io
