// SPDX-License-Identifier: MIT
#include "io/stop_ladder.hpp"

#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_process_spawner.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <vector>

namespace mcpwire::io {
namespace {

using test_support::FakeChild;
using test_support::FakeEventLoop;
using test_support::FakeProcessSpawner;
using Signals = std::vector<StopSignal>;

constexpr StopTimes kTimes{2 * kNanosecondsPerSecond, 3 * kNanosecondsPerSecond};

class StopLadderTest : public testing::Test, protected ChildProcess::ExitObserver {
 protected:
  StopLadderTest() : process(spawner.spawn({}).value()), ladder(loop, *process, kTimes) {
    process->observe_exit(*this);
  }
  void on_exit(ExitStatus status) override {
    exit_code = status.code;
    ladder.on_exited();
  }
  FakeChild& child() { return spawner.child(0); }

  FakeEventLoop loop;
  FakeProcessSpawner spawner{loop};
  std::unique_ptr<ChildProcess> process;
  StopLadder ladder;
  int exit_code = -1;
};

TEST_F(StopLadderTest, ClosesTheInputFirstAndSendsNoSignal) {
  ladder.start();
  loop.run_until_idle();
  EXPECT_TRUE(child().input.is_closed());
  EXPECT_EQ(child().signals, Signals{});
  EXPECT_EQ(ladder.step(), StopLadder::Step::kInputClosed);
}

TEST_F(StopLadderTest, AServerThatLeavesByItselfGetsNoSignal) {
  ladder.start();
  loop.advance_ns(kTimes.after_close_ns - 1);
  child().exit({false, 0});
  loop.advance_ns(100 * kNanosecondsPerSecond);
  EXPECT_EQ(child().signals, Signals{});
  EXPECT_EQ(exit_code, 0);
  EXPECT_EQ(ladder.step(), StopLadder::Step::kExited);
}

TEST_F(StopLadderTest, TerminatesAfterTheFirstWaitAndNotBefore) {
  ladder.start();
  loop.advance_ns(kTimes.after_close_ns - 1);
  EXPECT_EQ(child().signals, Signals{});
  loop.advance_ns(1);
  EXPECT_EQ(child().signals, Signals{StopSignal::kTerminate});
  loop.advance_ns(100 * kNanosecondsPerSecond);
  EXPECT_EQ(child().signals, Signals{StopSignal::kTerminate});
  EXPECT_EQ(exit_code, SIGTERM);
}

TEST_F(StopLadderTest, KillsWhatIgnoresTermination) {
  child().exits_on_terminate = false;
  ladder.start();
  loop.advance_ns(kTimes.after_close_ns + kTimes.after_terminate_ns - 1);
  EXPECT_EQ(child().signals, Signals{StopSignal::kTerminate});
  loop.advance_ns(1);
  EXPECT_EQ(child().signals, (Signals{StopSignal::kTerminate, StopSignal::kKill}));
  EXPECT_EQ(exit_code, SIGKILL);
  EXPECT_EQ(loop.next_timer_ns(), kNever);
}

TEST_F(StopLadderTest, StartingAgainDoesNotPutASignalOff) {
  ladder.start();
  loop.advance_ns(kTimes.after_close_ns - 1);
  ladder.start();
  loop.advance_ns(1);
  EXPECT_EQ(child().signals, Signals{StopSignal::kTerminate});
}

TEST_F(StopLadderTest, KillNowSkipsTheWaits) {
  ladder.start();
  ladder.kill_now();
  ladder.kill_now();
  loop.run_until_idle();
  EXPECT_EQ(child().signals, Signals{StopSignal::kKill});
  EXPECT_EQ(loop.next_timer_ns(), kNever);
}

TEST_F(StopLadderTest, DoesNothingAfterTheExit) {
  child().exit({false, 3});
  loop.run_until_idle();
  ladder.start();
  ladder.kill_now();
  loop.advance_ns(100 * kNanosecondsPerSecond);
  EXPECT_EQ(child().signals, Signals{});
}

TEST_F(StopLadderTest, ManyLaddersRunSideBySide) {
  std::vector<std::unique_ptr<ChildProcess>> processes;
  std::vector<std::unique_ptr<StopLadder>> ladders;
  for (int i = 0; i < 20; ++i) {
    processes.push_back(spawner.spawn({}).value());
    ladders.push_back(std::make_unique<StopLadder>(loop, *processes.back(), kTimes));
    ladders.back()->start();
  }
  loop.advance_ns(kTimes.after_close_ns);
  for (std::size_t i = 1; i < spawner.spawned(); ++i) {
    EXPECT_EQ(spawner.child(i).signals, Signals{StopSignal::kTerminate}) << i;
  }
}

}  // namespace
}  // namespace mcpwire::io
