// SPDX-License-Identifier: MIT
//
// What counts as a loop's lag, on a clock that moves only when the test says so.
#include "io/loop_lag.hpp"

#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "telemetry/distribution.hpp"
#include "telemetry/system_calls.hpp"
#include "tests/io/loop_fixture.hpp"
#include "tests/io/scripted_backend.hpp"

#include <gmock/gmock.h>

#include <poll.h>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

using test_support::ScriptedBackend;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::uint64_t virtual_now_ns = 0;
int clock_readings = 0;
/// What the next readings of the clock add, one each.
std::vector<std::uint64_t> steps_ns;

std::uint64_t read_virtual_clock() noexcept {
  ++clock_readings;
  if (!steps_ns.empty()) {
    virtual_now_ns += steps_ns.front();
    steps_ns.erase(steps_ns.begin());
  }
  return virtual_now_ns;
}

struct Work final : Runnable {
  void run() override { virtual_now_ns += takes_ns; }
  std::uint64_t takes_ns = 0;
};

struct LateTimer final : Timer {
  void on_timer() override { virtual_now_ns += takes_ns; }
  std::uint64_t takes_ns = 0;
};

struct Ring final : Poller {
  bool poll() override {
    ++looks;
    if (looks != work_at_look) return false;
    virtual_now_ns += takes_ns;
    return true;
  }
  bool prepare_park() override { return true; }
  void unpark(LoopSlept) override {}
  int looks = 0;
  int work_at_look = 0;
  std::uint64_t takes_ns = 0;
};

struct Watched final : FdWatcher::Observer {
  void on_ready(unsigned) override { virtual_now_ns += takes_ns; }
  std::uint64_t takes_ns = 0;
};

class LoopLagTest : public ::testing::Test {
 protected:
  LoopLagTest() {
    virtual_now_ns = 1'000'000;
    steps_ns.clear();
    auto backend = std::make_unique<ScriptedBackend>();
    script_ = backend.get();
    loop_ = Loop::create_on(std::move(backend), KernelFeatures(), read_virtual_clock);
    clock_readings = 0;
  }

  /// The stretches of work so far; short ones have a bucket each.
  std::vector<std::uint64_t> stretches() const {
    std::vector<std::uint64_t> all;
    loop_->lag().stretches().for_each_bucket([&all](std::uint64_t largest, std::uint64_t count) {
      all.insert(all.end(), count, largest);
    });
    return all;
  }
  /// Blocks until the watcher's descriptor is ready, which takes `waits_ns`.
  void turn_that_waits(std::uint64_t waits_ns) {
    script_->on_wait = [this, waits_ns] {
      virtual_now_ns += waits_ns;
      script_->complete_later(script_->last(), POLLIN, detail::kCompletionMore);
      loop_->stop();
    };
    loop_->run();
    script_->on_wait = nullptr;
  }
  void turn() { loop_->run_once(0); }

  ScriptedBackend* script_ = nullptr;
  std::unique_ptr<Loop> loop_;
};

TEST_F(LoopLagTest, ATurnThatFindsNothingReadsNoClockForItAndIsNotCounted) {
  for (int count = 0; count < 5; ++count) turn();
  EXPECT_EQ(clock_readings, 10) << "at its start and after its wait";
  EXPECT_THAT(stretches(), IsEmpty());
}

TEST_F(LoopLagTest, TheWaitIsNoneAndWhatIsDispatchedIs) {
  Pipe pipe = make_pipe();
  Watched watched;
  watched.takes_ns = 20;
  FdWatcher watcher(*loop_, pipe.read_end.get(), watched);
  watcher.start(WatchMode::kEachArrival);
  turn_that_waits(500'000);
  EXPECT_THAT(stretches(), IsEmpty()) << "it has not looked again";
  const int readings = clock_readings;
  turn();
  EXPECT_EQ(clock_readings, readings + 2) << "the turn's own readings are enough";
  EXPECT_THAT(stretches(), ElementsAre(20));
}

TEST_F(LoopLagTest, AllThatIsDoneBeforeTheNextLookIsOneStretch) {
  Pipe pipe = make_pipe();
  Watched watched;
  watched.takes_ns = 3;
  FdWatcher watcher(*loop_, pipe.read_end.get(), watched);
  watcher.start(WatchMode::kEachArrival);
  Work work;
  work.takes_ns = 5;
  LateTimer timer;
  timer.takes_ns = 7;
  Ring ring;
  ring.takes_ns = 9;
  ring.work_at_look = 2;
  loop_->add_poller(ring);
  turn_that_waits(100);
  loop_->post(work);
  loop_->arm(timer, 1);
  turn_that_waits(900'000);
  EXPECT_THAT(stretches(), ElementsAre(3 + 5 + 7 + 9));
  turn();
  EXPECT_THAT(stretches(), ElementsAre(3, 3 + 5 + 7 + 9));
}

TEST_F(LoopLagTest, WorkWithoutAWaitBetweenIsCountedTurnByTurn) {
  Work work;
  work.takes_ns = 11;
  loop_->post(work);
  turn();
  work.takes_ns = 12;
  loop_->post(work);
  turn();
  EXPECT_THAT(stretches(), ElementsAre(11, 12));
}

TEST_F(LoopLagTest, WhatIsFoundWhileSpinningCountsFromTheLastLookAtTheClock) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "with one processor nobody spins";
  Ring ring;
  ring.takes_ns = 15;
  // One look of the turn, sixteen to the next clock reading, and some more.
  ring.work_at_look = 20;
  loop_->add_poller(ring);
  loop_->hint_spin_until(virtual_now_ns + 10'000);
  steps_ns = {0, 4'000};  // The reading while it spins: 4 us have passed without work.
  loop_->run_once(kNever);
  EXPECT_THAT(stretches(), ElementsAre(15));
}

TEST(LoopSystemCallsTest, CountsEntriesAndWhatIsCountedWhereItIsMade) {
  const std::unique_ptr<Loop> loop = Loop::create().value();
  const LoopCounters before = loop->counters();
  telemetry::count_system_call();
  telemetry::count_system_call();
  std::thread([] { telemetry::count_system_call(); }).join();
  LoopCounters after = loop->counters();
  EXPECT_EQ(after.system_calls - before.system_calls, 2U) << "another thread counts its own";
  loop->run_once(1);
  after = loop->counters();
  EXPECT_GE(after.kernel_enters, before.kernel_enters + 1);
  EXPECT_EQ(after.system_calls - before.system_calls,
            2 + after.kernel_enters - before.kernel_enters);
}

}  // namespace
}  // namespace mcpwire::io
