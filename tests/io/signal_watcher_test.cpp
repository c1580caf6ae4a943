// SPDX-License-Identifier: MIT
#include "io/signal_watcher.hpp"

#include "tests/io/loop_fixture.hpp"

#include <sys/resource.h>
#include <algorithm>
#include <csignal>
#include <vector>

namespace mcpwire::io {
namespace {

class RecordingObserver final : public SignalWatcher::Observer {
 public:
  void on_signal(int signal) override { signals.push_back(signal); }
  std::vector<int> signals;
};

class SignalWatcherTest : public LoopFixture {
 protected:
  void SetUp() override {
    LoopFixture::SetUp();
    block_termination_signals();
  }
};
MCPWIRE_INSTANTIATE_ON_KERNELS(SignalWatcherTest);

TEST_P(SignalWatcherTest, DeliversEachTerminationSignal) {
  RecordingObserver observer;
  auto watcher = SignalWatcher::create(*loop_, observer);
  ASSERT_TRUE(watcher.has_value());
  settle();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ASSERT_EQ(kill(getpid(), signal), 0);
  run_until([&] { return observer.signals.size() == 3; });
  std::sort(observer.signals.begin(), observer.signals.end());
  EXPECT_EQ(observer.signals, (std::vector<int>{SIGHUP, SIGINT, SIGTERM}));
  kill(getpid(), SIGTERM);
  run_until([&] { return observer.signals.size() == 4; });
}

TEST_P(SignalWatcherTest, DeliversASignalThatCameBeforeIt) {
  kill(getpid(), SIGHUP);
  RecordingObserver observer;
  auto watcher = SignalWatcher::create(*loop_, observer);
  run_until([&] { return observer.signals.size() == 1; });
}

TEST_P(SignalWatcherTest, WritingIntoAClosedPipeIsAnErrorAndNoSignal) {
  ignore_write_signals();
  Pipe pipe = make_pipe();
  pipe.read_end.reset();
  EXPECT_EQ(write(pipe.write_end.get(), "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_P(SignalWatcherTest, TheSoftLimitOfOpenFilesBecomesTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_open_files_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace mcpwire::io
