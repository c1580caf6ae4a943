// SPDX-License-Identifier: MIT
#include "io/fd_watcher.hpp"

#include "tests/io/loop_fixture.hpp"

#include <poll.h>
#include <functional>

namespace mcpwire::io {
namespace {

class CallbackObserver final : public FdWatcher::Observer {
 public:
  void on_ready(unsigned events) override {
    ++calls;
    last_events = events;
    if (callback) callback();
  }
  int calls = 0;
  unsigned last_events = 0;
  std::function<void()> callback;
};

class FdWatcherTest : public LoopFixture {
 protected:
  void SetUp() override {
    LoopFixture::SetUp();
    pipe_ = make_pipe();
  }
  Pipe pipe_;
  CallbackObserver observer_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(FdWatcherTest);

TEST_P(FdWatcherTest, TellsOnceAndThenStops) {
  FdWatcher watcher(*loop_, pipe_.read_end.get(), observer_);
  watcher.start(WatchMode::kOnce);
  settle();
  EXPECT_EQ(observer_.calls, 0);
  put(pipe_.write_end, "a");
  run_until([&] { return observer_.calls == 1; });
  EXPECT_EQ(observer_.last_events, unsigned{POLLIN});
  EXPECT_FALSE(watcher.is_started());
  put(pipe_.write_end, "b");
  settle();
  EXPECT_EQ(observer_.calls, 1);
  watcher.start(WatchMode::kOnce);
  run_until([&] { return observer_.calls == 2; });
}

TEST_P(FdWatcherTest, TellsOfEachArrivalWithoutBeingStartedAgain) {
  FdWatcher watcher(*loop_, pipe_.read_end.get(), observer_);
  watcher.start(WatchMode::kEachArrival);
  for (int round = 1; round <= 5; ++round) {
    put(pipe_.write_end, "a");
    run_until([&] { return observer_.calls >= round; });
    take_available(pipe_.read_end);
  }
}

TEST_P(FdWatcherTest, TellsOfThePeersEnd) {
  FdWatcher watcher(*loop_, pipe_.read_end.get(), observer_);
  watcher.start(WatchMode::kEachArrival);
  pipe_.write_end.reset();
  run_until([&] { return observer_.calls >= 1; });
  EXPECT_NE(observer_.last_events & POLLHUP, 0U);
}

TEST_P(FdWatcherTest, TellsWhenAFullPipeHasRoomAgain) {
  fcntl(pipe_.write_end.get(), F_SETFL, O_NONBLOCK);
  const std::string filling(65536, 'x');
  put(pipe_.write_end, filling);
  FdWatcher watcher(*loop_, pipe_.write_end.get(), observer_);
  watcher.start(WatchMode::kOnce, WatchFor::kWritable);
  settle();
  EXPECT_EQ(observer_.calls, 0);
  take_available(pipe_.read_end);
  run_until([&] { return observer_.calls == 1; });
}

TEST_P(FdWatcherTest, AStoppedWatcherIsSilentAlsoWhenTheEventWasUnderWay) {
  FdWatcher watcher(*loop_, pipe_.read_end.get(), observer_);
  watcher.start(WatchMode::kEachArrival);
  settle();
  put(pipe_.write_end, "a");
  watcher.stop();
  settle();
  EXPECT_EQ(observer_.calls, 0);
  watcher.start(WatchMode::kOnce);
  run_until([&] { return observer_.calls == 1; });
}

TEST_P(FdWatcherTest, MayBeDestroyedInItsCallback) {
  for (const WatchMode mode : {WatchMode::kOnce, WatchMode::kEachArrival}) {
    auto watcher = std::make_unique<FdWatcher>(*loop_, pipe_.read_end.get(), observer_);
    observer_.callback = [&] { watcher.reset(); };
    watcher->start(mode);
    put(pipe_.write_end, "a");
    run_until([&] { return watcher == nullptr; });
    settle();
    take_available(pipe_.read_end);
  }
}

TEST_P(FdWatcherTest, MayBeStartedAgainInItsCallback) {
  FdWatcher watcher(*loop_, pipe_.read_end.get(), observer_);
  observer_.callback = [&] {
    if (observer_.calls < 3) watcher.start(WatchMode::kOnce);
  };
  watcher.start(WatchMode::kOnce);
  put(pipe_.write_end, "a");
  run_until([&] { return observer_.calls == 3; });
}

TEST_P(FdWatcherTest, AnInvalidDescriptorIsReported) {
  FdWatcher watcher(*loop_, 9999, observer_);
  watcher.start(WatchMode::kEachArrival);
  run_until([&] { return observer_.calls == 1; });
  EXPECT_EQ(observer_.last_events, unsigned{POLLNVAL});
  EXPECT_FALSE(watcher.is_started());
}

}  // namespace
}  // namespace mcpwire::io
