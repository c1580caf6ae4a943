// SPDX-License-Identifier: MIT
//
// What only epoll does differently: one registration for each descriptor, edges, and files that it
// does not take.
#include "io/detail/epoll_backend.hpp"

#include "io/fd_watcher.hpp"
#include "tests/io/loop_fixture.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstdlib>
#include <string>

namespace mcpwire::io {
namespace {

class EventObserver final : public FdWatcher::Observer {
 public:
  void on_ready(unsigned events) override {
    ++calls;
    last_events = events;
  }
  int calls = 0;
  unsigned last_events = 0;
};

class EpollBackendTest : public LoopFixture {};
MCPWIRE_INSTANTIATE_ON_KERNELS(EpollBackendTest);

TEST_P(EpollBackendTest, TwoWatchesOfOneDescriptorHearWhatTheyWaitFor) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const UniqueFd near_end(ends[0]);
  const UniqueFd far_end(ends[1]);
  EventObserver readable;
  EventObserver writable;
  FdWatcher first(*loop_, near_end.get(), readable);
  FdWatcher second(*loop_, near_end.get(), writable);
  first.start(WatchMode::kEachArrival);
  settle();
  second.start(WatchMode::kOnce, WatchFor::kWritable);
  run_until([&] { return writable.calls == 1; });
  EXPECT_EQ(readable.calls, 0);
  put(far_end, "a");
  run_until([&] { return readable.calls == 1; });
  EXPECT_EQ(writable.calls, 1);
  // A watch that is started where something is there already hears of it at once.
  EventObserver late;
  FdWatcher third(*loop_, near_end.get(), late);
  third.start(WatchMode::kOnce);
  run_until([&] { return late.calls == 1; });
}

TEST_P(EpollBackendTest, StoppingOneWatchLeavesTheOther) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const UniqueFd near_end(ends[0]);
  const UniqueFd far_end(ends[1]);
  EventObserver kept;
  EventObserver stopped;
  FdWatcher first(*loop_, near_end.get(), kept);
  first.start(WatchMode::kEachArrival);
  {
    FdWatcher second(*loop_, near_end.get(), stopped);
    second.start(WatchMode::kEachArrival);
    settle();
  }
  put(far_end, "a");
  run_until([&] { return kept.calls == 1; });
  EXPECT_EQ(stopped.calls, 0);
}

TEST_P(EpollBackendTest, AnUnreadDescriptorIsToldOfOnce) {
  Pipe pipe = make_pipe();
  EventObserver observer;
  FdWatcher watcher(*loop_, pipe.read_end.get(), observer);
  watcher.start(WatchMode::kEachArrival);
  put(pipe.write_end, "a");
  run_until([&] { return observer.calls == 1; });
  settle();
  EXPECT_EQ(observer.calls, 1) << "a loop would turn for nothing until it is read";
}

TEST_P(EpollBackendTest, ANumberThatIsUsedAgainIsAnotherDescriptor) {
  for (int round = 0; round < 3; ++round) {
    Pipe pipe = make_pipe();
    RecordingSink sink;
    FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
    reader.start(sink);
    settle();
    put(pipe.write_end, "round");
    run_until([&] { return sink.text == "round"; });
  }
}

TEST_P(EpollBackendTest, AFileIsReadToItsEnd) {
  char name[] = "/tmp/mcpwire-file-XXXXXX";
  UniqueFd file(mkstemp(name));
  ASSERT_TRUE(file);
  unlink(name);
  const std::string text = pattern(300'000);
  put(file, text);
  lseek(file.get(), 0, SEEK_SET);
  RecordingSink sink;
  FdReader reader(*loop_, std::move(file), TrafficClass::kBulk);
  reader.start(sink);
  run_until([&] { return sink.end.has_value(); });
  // READ_MULTISHOT takes only what can be waited for.
  if (!loop_->features().has(KernelFeature::kReadMultishot)) {
    EXPECT_EQ(sink.text, text);
  }
}

TEST_P(EpollBackendTest, AFileIsAlwaysReady) {
  char name[] = "/tmp/mcpwire-file-XXXXXX";
  const UniqueFd file(mkstemp(name));
  ASSERT_TRUE(file);
  unlink(name);
  EventObserver observer;
  FdWatcher watcher(*loop_, file.get(), observer);
  watcher.start(WatchMode::kOnce);
  run_until([&] { return observer.calls == 1; });
  EXPECT_EQ(observer.last_events & POLLIN, unsigned{POLLIN});
}

TEST_P(EpollBackendTest, AnInvalidDescriptorIsReported) {
  EventObserver observer;
  FdWatcher watcher(*loop_, 19'999, observer);
  watcher.start(WatchMode::kOnce);
  run_until([&] { return observer.calls == 1; });
  EXPECT_EQ(observer.last_events, unsigned{POLLNVAL});
  EXPECT_FALSE(watcher.is_started());
}

// With io_uring the kernel decides.
TEST(EpollBackendShareTest, OneStreamTakesOnlyItsShareOfATurn) {
  LoopOptions options{.backend = BackendKind::kEpoll};
  options.bulk_buffers = {.count = 64, .bytes_each = 16};
  const std::unique_ptr<Loop> loop = Loop::create(options).value();
  Pipe flood = make_pipe();
  put(flood.write_end, pattern(16 * 64));
  RecordingSink sink;
  FdReader reader(*loop, std::move(flood.read_end), TrafficClass::kBulk);
  reader.start(sink);
  loop->run_once(0);
  EXPECT_EQ(sink.chunks, 8U);
  while (sink.text.size() < 16 * 64) loop->run_once(kNever);
  EXPECT_EQ(sink.text, pattern(16 * 64));
}

}  // namespace
}  // namespace mcpwire::io
