// SPDX-License-Identifier: MIT
//
// The loop's traps, one test or more for each, with a kernel that does what it is told to: the
// completion that a real one produces once in a million comes here each time.
// kernel_traps_test.cpp has those that need the real one.
#include "io/fd_watcher.hpp"
#include "io/seqpacket_listener.hpp"
#include "tests/io/loop_fixture.hpp"
#include "tests/io/scripted_backend.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <cerrno>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

using detail::kCompletionMore;
using test_support::ScriptedBackend;
using Kind = ScriptedBackend::Kind;

class LoopTrapTest : public ::testing::Test {
 protected:
  LoopTrapTest() {
    auto backend = std::make_unique<ScriptedBackend>();
    script_ = backend.get();
    loop_ = Loop::create_on(std::move(backend), KernelFeatures());
  }

  bool turn() { return loop_->run_once(0); }
  std::unique_ptr<FdReader> make_reader() {
    auto reader =
        std::make_unique<FdReader>(*loop_, std::move(pipe_.read_end), TrafficClass::kBulk);
    reader->start(sink_);
    return reader;
  }
  FdWriter make_writer() { return FdWriter(*loop_, std::move(pipe_.write_end)); }
  static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

  Pipe pipe_ = make_pipe();
  const int read_fd_ = pipe_.read_end.get();
  const int write_fd_ = pipe_.write_end.get();
  RecordingSink sink_;
  RecordingCompletion completion_;
  ScriptedBackend* script_ = nullptr;
  std::unique_ptr<Loop> loop_;
};

class CountingObserver final : public FdWatcher::Observer {
 public:
  void on_ready(unsigned events) override {
    ++calls;
    last_events = events;
  }
  int calls = 0;
  unsigned last_events = 0;
};

// --- Writes ------------------------------------------------------------------------------------

TEST_F(LoopTrapTest, AShortWriteGoesOnWhereItStopped) {
  FdWriter writer = make_writer();
  const std::string sent = pattern(1000);
  writer.write(as_bytes(sent), completion_);
  std::string received;
  for (const std::size_t taken : {1U, 499U, 499U, 1U}) {
    const ByteSpan offered = script_->last().bytes;
    EXPECT_EQ(offered.size(), sent.size() - received.size());
    received += as_text(offered.first(taken));
    EXPECT_EQ(completion_.calls, 0);
    script_->complete_later(script_->last(), static_cast<int>(taken));
    turn();
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(completion_.calls, 1);
  EXPECT_EQ(completion_.written, sent.size());
  EXPECT_EQ(script_->running(), 0U);
}

TEST_F(LoopTrapTest, AStreamHasOneWriteInFlight) {
  FdWriter writer = make_writer();
  const std::string sent = pattern(100);
  writer.write(as_bytes(sent), completion_);
  for (int rest = 100; rest > 0; rest -= 10) {
    EXPECT_EQ(script_->running(), 1U);
    EXPECT_TRUE(writer.is_busy());
    EXPECT_DEATH(writer.write(as_bytes("y"), completion_), "is_busy");
    script_->complete_later(script_->last(), 10);
    turn();
  }
  EXPECT_FALSE(writer.is_busy());
}

TEST_F(LoopTrapTest, AWriteThatFailsHalfWaySaysHowFarItCame) {
  FdWriter writer = make_writer();
  const std::string sent = pattern(100);
  writer.write(as_bytes(sent), completion_);
  script_->complete_later(script_->last(), 40);
  turn();
  script_->complete_later(script_->last(), -EPIPE);
  turn();
  EXPECT_EQ(completion_.calls, 1);
  EXPECT_EQ(completion_.written, 40U);
  ASSERT_TRUE(completion_.error.has_value());
  EXPECT_EQ(completion_.error->kind, ErrorKind::kDisconnected);
}

TEST_F(LoopTrapTest, AWriteThatMayNotWaitWaitsForRoom) {
  FdWriter writer = make_writer();
  writer.write(as_bytes("text"), completion_);
  script_->complete_later(script_->last(), -EAGAIN);
  turn();
  EXPECT_EQ(script_->last().kind, Kind::kPoll);
  script_->complete_later(script_->last(), POLLOUT);
  turn();
  EXPECT_EQ(script_->last().kind, Kind::kWrite);
  script_->complete_later(script_->last(), -EINTR);
  turn();
  script_->complete_later(script_->last(), 4);
  turn();
  EXPECT_EQ(completion_.written, 4U);
}

// The bytes are the caller's: when close() returns, nobody may read them any more.
TEST_F(LoopTrapTest, CloseWithAWriteInFlightWaitsUntilTheBytesAreLeft) {
  FdWriter writer = make_writer();
  auto sent = std::make_unique<std::string>(pattern(100));
  writer.write(as_bytes(*sent), completion_);
  writer.close();
  EXPECT_EQ(script_->last().cancellations, 1);
  EXPECT_TRUE(script_->last().is_over) << "ended before close() returned";
  sent.reset();
  EXPECT_TRUE(is_open(write_fd_)) << "its completion has not been seen";
  turn();
  EXPECT_FALSE(is_open(write_fd_));
  EXPECT_EQ(completion_.calls, 0);
}

// --- Buffers -----------------------------------------------------------------------------------

TEST_F(LoopTrapTest, AReadWithoutABufferStartsAgainWhenBuffersAreBack) {
  const std::unique_ptr<FdReader> first = make_reader();
  Pipe other = make_pipe();
  RecordingSink other_sink;
  FdReader second(*loop_, std::move(other.read_end), TrafficClass::kBulk);
  second.start(other_sink);
  ScriptedBackend::Started& starved = script_->last();
  // The first has the only buffer when the second looks for one.
  script_->complete_later(starved, -ENOBUFS);
  script_->bring(script_->operation(0), "first", kCompletionMore);
  turn();
  EXPECT_EQ(sink_.text, "first");
  EXPECT_EQ(script_->count(), 2U) << "at once it would find none again";
  turn();
  ASSERT_EQ(script_->count(), 3U);
  EXPECT_TRUE(script_->has_free_buffer());
  script_->bring(script_->last(), "second");
  turn();
  EXPECT_EQ(other_sink.text, "second");
  EXPECT_FALSE(other_sink.end.has_value());
}

TEST_F(LoopTrapTest, ARowOfReadsWithoutABufferIsNoEnd) {
  const std::unique_ptr<FdReader> reader = make_reader();
  for (int round = 0; round < 5; ++round) {
    script_->complete_later(script_->last(), -ENOBUFS);
    turn();
    turn();
  }
  EXPECT_EQ(script_->count(), 6U);
  EXPECT_FALSE(sink_.end.has_value());
  script_->bring(script_->last(), "after all");
  turn();
  EXPECT_EQ(sink_.text, "after all");
}

TEST_F(LoopTrapTest, AReaderThatWentAwayWithoutABufferStaysAway) {
  std::unique_ptr<FdReader> reader = make_reader();
  script_->complete_later(script_->last(), -ENOBUFS);
  turn();
  reader.reset();
  turn();
  EXPECT_EQ(script_->count(), 1U);
}

TEST_F(LoopTrapTest, AReadThatMayNotWaitWaitsForData) {
  const std::unique_ptr<FdReader> reader = make_reader();
  script_->complete_later(script_->last(), -EAGAIN);
  turn();
  EXPECT_EQ(script_->last().kind, Kind::kPoll);
  script_->complete_later(script_->last(), POLLIN);
  turn();
  EXPECT_EQ(script_->last().kind, Kind::kRead);
  script_->complete_later(script_->last(), -EINTR);
  turn();
  ASSERT_EQ(script_->count(), 4U);
  script_->bring(script_->last(), "there", kCompletionMore);
  turn();
  EXPECT_EQ(sink_.text, "there");
  EXPECT_FALSE(sink_.end.has_value());
}

// --- Multishot ---------------------------------------------------------------------------------

TEST_F(LoopTrapTest, AMultishotReadThatEndedSilentlyStartsAgain) {
  const std::unique_ptr<FdReader> reader = make_reader();
  script_->bring(script_->last(), "one,", kCompletionMore);
  turn();
  EXPECT_EQ(script_->count(), 1U);
  script_->bring(script_->last(), "two,");  // Data, and no more to come.
  turn();
  EXPECT_EQ(script_->count(), 2U);
  script_->bring(script_->last(), "three", kCompletionMore);
  turn();
  EXPECT_EQ(sink_.text, "one,two,three");
  EXPECT_FALSE(sink_.end.has_value());
}

TEST_F(LoopTrapTest, AMultishotPollThatEndedSilentlyStartsAgain) {
  CountingObserver observer;
  FdWatcher watcher(*loop_, read_fd_, observer);
  watcher.start(WatchMode::kEachArrival);
  script_->complete_later(script_->last(), POLLIN, kCompletionMore);
  turn();
  EXPECT_EQ(script_->count(), 1U);
  script_->complete_later(script_->last(), POLLIN);
  turn();
  EXPECT_EQ(observer.calls, 2);
  ASSERT_EQ(script_->count(), 2U);
  EXPECT_EQ(script_->last().mode, detail::PollMode::kMultishot);
  EXPECT_TRUE(watcher.is_started());
}

TEST_F(LoopTrapTest, AMultishotAcceptThatEndedSilentlyStartsAgain) {
  class Connections final : public SeqpacketListener::Observer {
   public:
    void on_connection(UniqueFd socket) override { sockets.push_back(std::move(socket)); }
    void on_listener_failed(const Error&) override { ++failures; }
    std::vector<UniqueFd> sockets;
    int failures = 0;
  } observer;
  SeqpacketListener listener(*loop_, std::move(pipe_.read_end), observer);
  listener.start();
  for (const unsigned flags : {kCompletionMore, 0U, kCompletionMore}) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd far_end(ends[1]);
    script_->complete_later(script_->last(), ends[0], flags);
    turn();
  }
  EXPECT_EQ(observer.sockets.size(), 3U);
  EXPECT_EQ(script_->count(), 2U);
  script_->complete_later(script_->last(), -ECONNABORTED);
  turn();
  EXPECT_EQ(script_->count(), 3U);
  EXPECT_EQ(observer.failures, 0);
}

// --- Cancelling --------------------------------------------------------------------------------

// The cancellation was too late: the data came first, with a buffer.
TEST_F(LoopTrapTest, DataThatOvertookACancellationGivesItsBufferBack) {
  std::unique_ptr<FdReader> reader = make_reader();
  reader.reset();
  EXPECT_EQ(script_->last().cancellations, 1);
  script_->bring(script_->last(), "late");
  EXPECT_FALSE(script_->has_free_buffer());
  turn();
  EXPECT_TRUE(script_->has_free_buffer());
  EXPECT_EQ(sink_.text, "");
  EXPECT_FALSE(is_open(read_fd_));
}

TEST_F(LoopTrapTest, ACancelledReadWithMoreToComeLivesUntilItsLastCompletion) {
  std::unique_ptr<FdReader> reader = make_reader();
  reader.reset();
  script_->bring(script_->last(), "late", kCompletionMore);
  turn();
  EXPECT_TRUE(is_open(read_fd_)) << "the kernel still holds it";
  EXPECT_EQ(loop_->backend().in_flight(), 1U);
  script_->complete_later(script_->last(), -ECANCELED);
  turn();
  EXPECT_FALSE(is_open(read_fd_));
  EXPECT_EQ(loop_->backend().in_flight(), 0U);
}

TEST_F(LoopTrapTest, ARestartDuringACancellationWaitsForItsLastCompletion) {
  const std::unique_ptr<FdReader> reader = make_reader();
  reader->pause();
  reader->pause();
  reader->resume();
  EXPECT_EQ(script_->last().cancellations, 1);
  EXPECT_EQ(script_->count(), 1U);
  script_->bring(script_->last(), "raced", kCompletionMore);
  turn();
  EXPECT_EQ(script_->count(), 1U);
  EXPECT_EQ(sink_.text, "raced");
  script_->complete_later(script_->last(), -ECANCELED);
  turn();
  EXPECT_EQ(script_->count(), 2U);
  EXPECT_EQ(script_->running(), 1U);
}

// What was under way when the pause came is not lost with it.
TEST_F(LoopTrapTest, DataThatOvertookAPauseIsDelivered) {
  const std::unique_ptr<FdReader> reader = make_reader();
  reader->pause();
  script_->bring(script_->last(), "raced", kCompletionMore);
  script_->complete_later(script_->last(), -ECANCELED);
  turn();
  EXPECT_EQ(sink_.text, "raced");
  EXPECT_TRUE(script_->has_free_buffer());
  EXPECT_EQ(script_->count(), 1U) << "nothing is read while it is paused";
}

TEST_F(LoopTrapTest, EachPauseCancelsTheReadOfItsTime) {
  const std::unique_ptr<FdReader> reader = make_reader();
  for (std::size_t round = 0; round < 3; ++round) {
    ASSERT_EQ(script_->count(), round + 1);
    EXPECT_EQ(script_->last().cancellations, 0);
    reader->pause();
    EXPECT_EQ(script_->last().cancellations, 1);
    script_->complete_later(script_->last(), -ECANCELED);
    turn();
    reader->resume();
  }
}

// A watch that is stopped and started is another operation: the old one's news is not the new
// one's.
TEST_F(LoopTrapTest, TheLateNewsOfAStoppedWatchIsNobodys) {
  CountingObserver observer;
  FdWatcher watcher(*loop_, read_fd_, observer);
  watcher.start(WatchMode::kEachArrival);
  watcher.stop();
  watcher.start(WatchMode::kEachArrival);
  ASSERT_EQ(script_->count(), 2U);
  script_->complete_later(script_->operation(0), POLLIN);
  turn();
  EXPECT_EQ(observer.calls, 0);
  script_->complete_later(script_->operation(1), POLLIN, kCompletionMore);
  turn();
  EXPECT_EQ(observer.calls, 1);
}

TEST_F(LoopTrapTest, RoomOfTheSinkIsLeftWhenCloseReturns) {
  class Roomy final : public ByteReader::Sink {
   public:
    void on_bytes(ByteSpan) override {}
    void on_read_end(const Error&) override {}
    MutableByteSpan room() override { return memory; }
    void on_filled(std::size_t) override { ++fills; }
    std::vector<std::byte> memory = std::vector<std::byte>(100);
    int fills = 0;
  };
  auto sink = std::make_unique<Roomy>();
  FdReader reader(*loop_, std::move(pipe_.read_end), TrafficClass::kBulk);
  reader.start(*sink);
  EXPECT_EQ(script_->last().kind, Kind::kReadInto);
  EXPECT_EQ(script_->last().memory.data(), sink->memory.data());
  script_->cancel_now_result = 7;  // It was faster than the cancellation.
  reader.close();
  EXPECT_TRUE(script_->last().is_over);
  EXPECT_EQ(sink->fills, 0);
  sink.reset();
  turn();
}

// --- Ends --------------------------------------------------------------------------------------

TEST_F(LoopTrapTest, CloseKeepsTheDescriptorUntilTheKernelHasLetGo) {
  std::unique_ptr<FdReader> reader = make_reader();
  reader->close();
  turn();
  EXPECT_TRUE(is_open(read_fd_));
  script_->complete_later(script_->last(), -ECANCELED);
  turn();
  EXPECT_FALSE(is_open(read_fd_));
}

TEST_F(LoopTrapTest, EndOfFileBehindDataComesBehindTheData) {
  const std::unique_ptr<FdReader> reader = make_reader();
  script_->bring(script_->last(), "last words", kCompletionMore);
  script_->complete_later(script_->last(), 0);
  turn();
  EXPECT_EQ(sink_.text, "last words");
  ASSERT_TRUE(sink_.end.has_value());
  EXPECT_EQ(sink_.end->code, ErrorCode::kClosed);
  EXPECT_EQ(script_->count(), 1U);
}

TEST_F(LoopTrapTest, EndOfFileThatOvertookAPauseIsReportedOnce) {
  const std::unique_ptr<FdReader> reader = make_reader();
  reader->pause();
  script_->complete_later(script_->last(), 0);
  turn();
  EXPECT_TRUE(sink_.end.has_value());
  sink_.end.reset();
  reader->resume();
  turn();
  EXPECT_FALSE(sink_.end.has_value());
  EXPECT_EQ(script_->count(), 1U);
}

TEST_F(LoopTrapTest, EndOfFileLeavesAPendingWriteToItsOwnEnd) {
  const std::unique_ptr<FdReader> reader = make_reader();
  FdWriter writer = make_writer();
  writer.write(as_bytes("unread"), completion_);
  script_->complete_later(script_->operation(0), 0);
  turn();
  EXPECT_TRUE(sink_.end.has_value());
  EXPECT_EQ(completion_.calls, 0);
  EXPECT_TRUE(writer.is_busy());
  script_->complete_later(script_->operation(1), -EPIPE);
  turn();
  EXPECT_EQ(completion_.calls, 1);
  EXPECT_EQ(completion_.error->kind, ErrorKind::kDisconnected);
}

TEST_F(LoopTrapTest, TheLoopsEndWaitsForEveryLastCompletion) {
  std::unique_ptr<FdReader> reader = make_reader();
  FdWriter writer = make_writer();
  writer.write(as_bytes("x"), completion_);
  reader.reset();
  writer.close();
  EXPECT_TRUE(is_open(read_fd_));
  loop_.reset();
  EXPECT_FALSE(is_open(read_fd_));
  EXPECT_FALSE(is_open(write_fd_));
}

// --- The wait ----------------------------------------------------------------------------------

// What EINTR, EBUSY and EAGAIN look like from above: a wait that ends early and brings nothing.
TEST_F(LoopTrapTest, AWaitThatBringsNothingLosesNothing) {
  class Parked final : public Poller {
   public:
    bool poll() override { return false; }
    bool prepare_park() override {
      ++parks;
      return true;
    }
    void unpark(LoopSlept) override { ++unparks; }
    int parks = 0;
    int unparks = 0;
  } poller;
  loop_->add_poller(poller);
  const std::unique_ptr<FdReader> reader = make_reader();
  for (int round = 1; round <= 3; ++round) {
    EXPECT_FALSE(loop_->run_once(kNever));
    EXPECT_EQ(script_->waits, round);
    EXPECT_EQ(poller.parks, round);
    EXPECT_EQ(poller.unparks, round);
  }
  script_->on_wait = [&] { script_->bring(script_->last(), "there", kCompletionMore); };
  EXPECT_TRUE(loop_->run_once(kNever));
  EXPECT_EQ(sink_.text, "there");
  EXPECT_EQ(script_->count(), 1U);
}

// Deadlines are timers of ours and no linked operations, so no split of a submission loses one.
TEST_F(LoopTrapTest, NoOperationDependsOnAnother) {
  class Deadline final : public Timer {
   public:
    void on_timer() override { ++fired; }
    int fired = 0;
  } deadline;
  const std::unique_ptr<FdReader> reader = make_reader();
  FdWriter writer = make_writer();
  writer.write(as_bytes("text"), completion_);
  loop_->arm(deadline, loop_->now_ns());
  turn();
  EXPECT_EQ(deadline.fired, 1);
  EXPECT_EQ(script_->count(), 2U) << "no operation stands for the deadline";
  // In any order, each for itself.
  script_->complete_later(script_->operation(1), 4);
  turn();
  EXPECT_EQ(completion_.calls, 1);
  script_->bring(script_->operation(0), "later", kCompletionMore);
  turn();
  EXPECT_EQ(sink_.text, "later");
}

}  // namespace
}  // namespace mcpwire::io
