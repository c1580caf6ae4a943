// SPDX-License-Identifier: MIT
//
// What the kernel does that its users do not expect, with the real kernel, on io_uring and on
// epoll. Each test holds one of our answers in place; loop_traps_test.cpp has those that need a
// script.
#include "io/detail/io_backend.hpp"
#include "io/fd_watcher.hpp"
#include "tests/io/loop_fixture.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <csignal>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

class KernelTrapTest : public LoopFixture {
 protected:
  RecordingSink sink_;
  RecordingCompletion completion_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(KernelTrapTest);

bool is_at_end(const UniqueFd& fd) {
  char byte = 0;
  return recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

// close(2) of a descriptor with an operation in flight closes nothing: the operation holds the
// file.
TEST_P(KernelTrapTest, CloseWithAReadInFlightReachesThePeer) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd far_end(ends[1]);
  FdReader reader(*loop_, UniqueFd(ends[0]), TrafficClass::kBulk);
  reader.start(sink_);
  settle();
  EXPECT_FALSE(is_at_end(far_end));
  reader.close();
  settle();
  EXPECT_TRUE(is_at_end(far_end));
  EXPECT_EQ(fcntl(ends[0], F_GETFD), -1) << "the descriptor itself is closed as well";
}

TEST_P(KernelTrapTest, CloseWithAWriteInFlightReachesThePeer) {
  Pipe pipe = make_pipe();
  const std::string sent(100'000, 'x');
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes(sent), completion_);
  settle();
  writer.close();
  settle();
  EXPECT_EQ(take_available(pipe.read_end).size(), 65536U);
  char byte = 0;
  EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 0) << "end of file, not a hang";
  EXPECT_EQ(completion_.calls, 0);
}

// Two writes in flight on one stream interleave.
TEST_P(KernelTrapTest, ASecondWriteInFlightIsABug) {
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  const std::string sent(100'000, 'x');
  writer.write(as_bytes(sent), completion_);
  EXPECT_DEATH(writer.write(as_bytes("y"), completion_), "is_busy");
  writer.close();
}

// A write may be short without any error; only its own completion says so.
TEST_P(KernelTrapTest, ShortWritesAreContinuedUntilAllIsWritten) {
  Pipe pipe = make_pipe();
  ASSERT_GE(fcntl(pipe.write_end.get(), F_SETPIPE_SZ, 4096), 4096);
  std::string sent;
  for (int line = 0; sent.size() < 50'000; ++line) sent += std::to_string(line) + "\n";
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes(sent), completion_);
  std::string received;
  while (completion_.calls == 0) {
    loop_->run_once(0);
    received += take_available(pipe.read_end);
  }
  EXPECT_EQ(completion_.written, sent.size());
  EXPECT_EQ(received, sent);
}

// A multishot read ends, without saying so, when no buffer is left.
TEST_P(KernelTrapTest, ReadersThatFindNoBufferStartAgain) {
  make_loop({.bulk_buffers = {.count = 2, .bytes_each = 16}});
  constexpr std::size_t kReaders = 12;
  std::vector<Pipe> pipes;
  std::vector<std::unique_ptr<FdReader>> readers;
  std::vector<RecordingSink> sinks(kReaders);
  const std::string sent(1000, 'z');
  for (std::size_t index = 0; index < kReaders; ++index) {
    pipes.push_back(make_pipe());
    put(pipes[index].write_end, sent);
    readers.push_back(
        std::make_unique<FdReader>(*loop_, std::move(pipes[index].read_end), TrafficClass::kBulk));
    readers[index]->start(sinks[index]);
    pipes[index].write_end.reset();
  }
  run_until([&] {
    for (const RecordingSink& sink : sinks) {
      if (!sink.end.has_value()) return false;
    }
    return true;
  });
  for (const RecordingSink& sink : sinks) {
    EXPECT_EQ(sink.text, sent);
    EXPECT_EQ(sink.end->code, ErrorCode::kClosed);
  }
}

class CountingObserver final : public FdWatcher::Observer {
 public:
  void on_ready(unsigned events) override {
    ++calls;
    last_events = events;
    std::uint64_t drained = 0;
    if (read(fd, &drained, sizeof drained) == sizeof drained) rings += drained;
  }
  int fd = -1;
  int calls = 0;
  unsigned last_events = 0;
  std::uint64_t rings = 0;
};

// A multishot poll ends when its completion finds no room. The kernel then also refuses new
// submissions for a while (EBUSY).
TEST_P(KernelTrapTest, WatchersSurviveAFullCompletionQueue) {
  make_loop({.submission_entries = 4, .completion_entries = 8});
  constexpr std::size_t kWatchers = 200;
  std::vector<UniqueFd> bells;
  std::vector<CountingObserver> observers(kWatchers);
  std::vector<std::unique_ptr<FdWatcher>> watchers;
  for (CountingObserver& observer : observers) {
    bells.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    observer.fd = bells.back().get();
    watchers.push_back(std::make_unique<FdWatcher>(*loop_, observer.fd, observer));
    watchers.back()->start(WatchMode::kEachArrival);
  }
  settle();
  for (std::uint64_t round = 1; round <= 5; ++round) {
    const std::uint64_t one = 1;
    for (const UniqueFd& bell : bells) {
      ASSERT_EQ(write(bell.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    }
    run_until([&] {
      for (const CountingObserver& observer : observers) {
        if (observer.rings < round) return false;
      }
      return true;
    });
  }
}

// Completions appear only when this thread enters the kernel, so a loop that always has something
// else to do must enter it too.
TEST_P(KernelTrapTest, CompletionsAppearWhileTheLoopIsBusy) {
  class Busy final : public Poller {
   public:
    bool poll() override { return true; }
    bool prepare_park() override { return true; }
    void unpark(LoopSlept) override {}
  } busy;
  loop_->add_poller(busy);
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  loop_->run_once(0);
  put(pipe.write_end, "seen");
  run_until([&] { return sink_.text == "seen"; });
}

// The wait returns EINTR, EBUSY or EAGAIN at any time.
TEST_P(KernelTrapTest, SignalsInterruptTheWaitAndNothingElse) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval often{.it_interval = {0, 500}, .it_value = {0, 500}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
  class Flag final : public Timer {
   public:
    void on_timer() override { fired = true; }
    bool fired = false;
  } timer;
  loop_->arm(timer, loop_->now_ns() + 3600 * kNanosecondsPerSecond);
  // Each of these turns has nothing to do for an hour: only a signal ends it.
  for (int turn = 0; turn < 10; ++turn) EXPECT_FALSE(loop_->run_once(kNever));
  EXPECT_FALSE(timer.fired);
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  loop_->arm(timer, loop_->now_ns());
  run_until([&] { return timer.fired; });
}

// A cancellation may find its target finished: the completion is there, with data and a buffer.
TEST_P(KernelTrapTest, ACancelledReadThatHadFinishedGivesItsBufferBack) {
  make_loop({.bulk_buffers = {.count = 1, .bytes_each = 64}});
  for (int round = 0; round < 5; ++round) {
    Pipe pipe = make_pipe();
    auto reader = std::make_unique<FdReader>(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
    reader->start(sink_);
    put(pipe.write_end, "lost");
    loop_->backend().submit();
    ASSERT_TRUE(loop_->backend().has_completions());
    reader.reset();
    settle();
  }
  EXPECT_EQ(sink_.text, "");
  Pipe pipe = make_pipe();
  put(pipe.write_end, "kept");
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  run_until([&] { return sink_.text == "kept"; });
}

TEST_P(KernelTrapTest, AnObjectMayGoAtAnyMomentOfItsOperation) {
  for (int turns = 0; turns < 4; ++turns) {
    Pipe pipe = make_pipe();
    auto reader = std::make_unique<FdReader>(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
    reader->start(sink_);
    for (int turn = 0; turn < turns; ++turn) loop_->run_once(0);
    reader.reset();
  }
  EXPECT_GT(loop_->backend().in_flight(), 0U);
  settle();
  EXPECT_EQ(loop_->backend().in_flight(), 0U);
}

TEST_P(KernelTrapTest, TheLoopWaitsForBuriedOperationsWhenItGoes) {
  Pipe pipe = make_pipe();
  auto reader = std::make_unique<FdReader>(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader->start(sink_);
  settle();
  reader.reset();
  loop_.reset();
  EXPECT_LT(write(pipe.write_end.get(), "x", 1), 0);
}

// A copy of a pipe's write end that stays somewhere keeps a child from ever seeing the end of its
// input.
TEST_P(KernelTrapTest, AClosedWriterLeavesNoCopyOfItsPipe) {
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes("all"), completion_);
  run_until([&] { return completion_.calls == 1; });
  writer.close();
  EXPECT_EQ(take_available(pipe.read_end), "all");
  char byte = 0;
  EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 0);
}

// More operations in one turn than the submission queue holds.
TEST_P(KernelTrapTest, OperationsBeyondTheSubmissionQueueWaitTheirTurn) {
  make_loop({.submission_entries = 2});
  std::vector<Pipe> pipes;
  std::vector<std::unique_ptr<FdReader>> readers;
  std::vector<RecordingSink> sinks(50);
  for (RecordingSink& sink : sinks) {
    pipes.push_back(make_pipe());
    put(pipes.back().write_end, "q");
    readers.push_back(
        std::make_unique<FdReader>(*loop_, std::move(pipes.back().read_end), TrafficClass::kBulk));
    readers.back()->start(sink);
  }
  // One that is cancelled while it waits in our own queue.
  readers.front().reset();
  readers.back().reset();
  run_until([&] {
    for (std::size_t index = 1; index + 1 < sinks.size(); ++index) {
      if (sinks[index].text.empty()) return false;
    }
    return true;
  });
}

TEST(KernelTrapDeathTest, AWatcherThatOutlivesItsLoopIsABug) {
  EXPECT_DEATH(
      {
        Result<std::unique_ptr<Loop>> loop = Loop::create();
        CountingObserver observer;
        const UniqueFd bell(eventfd(0, EFD_CLOEXEC));
        FdWatcher watcher(**loop, bell.get(), observer);
        watcher.start(WatchMode::kOnce);
        loop->reset();
      },
      "in_flight_ == 0");
}

}  // namespace
}  // namespace mcpwire::io
