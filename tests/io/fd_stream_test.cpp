// SPDX-License-Identifier: MIT
#include "io/fd_stream.hpp"

#include "tests/io/loop_fixture.hpp"

#include <sys/socket.h>
#include <functional>
#include <thread>
#include <vector>

namespace mcpwire::io {
namespace {

class CallbackSink final : public ByteReader::Sink {
 public:
  void on_bytes(ByteSpan bytes) override {
    if (bytes_callback) bytes_callback(bytes);
  }
  void on_read_end(const Error&) override {
    if (end_callback) end_callback();
  }
  std::function<void(ByteSpan)> bytes_callback;
  std::function<void()> end_callback;
};

class FdReaderTest : public LoopFixture {
 protected:
  RecordingSink sink_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(FdReaderTest);

TEST_P(FdReaderTest, DeliversWhatArrivesAndThenTheEnd) {
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  put(pipe.write_end, "one");
  run_until([&] { return sink_.text == "one"; });
  put(pipe.write_end, "two");
  run_until([&] { return sink_.text == "onetwo"; });
  EXPECT_FALSE(sink_.end.has_value());
  pipe.write_end.reset();
  run_until([&] { return sink_.end.has_value(); });
  EXPECT_EQ(sink_.end->code, ErrorCode::kClosed);
  EXPECT_EQ(sink_.end->kind, ErrorKind::kDisconnected);
}

TEST_P(FdReaderTest, NoCallbackComesInsideStart) {
  Pipe pipe = make_pipe();
  put(pipe.write_end, "early");
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  EXPECT_TRUE(sink_.text.empty());
  run_until([&] { return sink_.text == "early"; });
}

TEST_P(FdReaderTest, APausedReaderLeavesTheBytesInThePipe) {
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  settle();
  reader.pause();
  settle();
  put(pipe.write_end, "waiting");
  settle();
  EXPECT_EQ(sink_.text, "");
  reader.resume();
  run_until([&] { return sink_.text == "waiting"; });
}

TEST_P(FdReaderTest, PauseAndResumeInOneTurnLoseNothing) {
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  std::string sent;
  for (int round = 0; round < 50; ++round) {
    const std::string text = "<" + std::to_string(round) + ">";
    put(pipe.write_end, text);
    sent += text;
    reader.pause();
    if (round % 3 == 0) loop_->run_once(0);
    reader.resume();
    if (round % 5 == 0) loop_->run_once(0);
  }
  run_until([&] { return sink_.text.size() >= sent.size(); });
  EXPECT_EQ(sink_.text, sent);
}

TEST_P(FdReaderTest, TenMegabytesArriveUnchanged) {
  Pipe pipe = make_pipe();
  const std::string sent = pattern(10 * 1024 * 1024);
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  std::thread producer([&sent, fd = std::move(pipe.write_end)] {
    for (std::size_t at = 0; at < sent.size();) {
      const ssize_t bytes = write(fd.get(), sent.data() + at, sent.size() - at);
      if (bytes <= 0) return;
      at += static_cast<std::size_t>(bytes);
    }
  });
  run_until([&] { return sink_.text.size() >= sent.size() || sink_.end.has_value(); });
  producer.join();
  EXPECT_TRUE(sink_.text == sent);
}

TEST_P(FdReaderTest, AReaderMayCloseItselfInItsCallback) {
  Pipe pipe = make_pipe();
  auto reader = std::make_unique<FdReader>(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  int calls = 0;
  CallbackSink sink;
  sink.bytes_callback = [&](ByteSpan) {
    ++calls;
    reader->close();
  };
  reader->start(sink);
  put(pipe.write_end, "first");
  run_until([&] { return calls == 1; });
  settle();
  EXPECT_LT(write(pipe.write_end.get(), "x", 1), 0) << "the read end must be closed";
  EXPECT_EQ(calls, 1);
}

TEST_P(FdReaderTest, AReaderMayBeDestroyedInItsCallbackAndInItsEnd) {
  Pipe pipe = make_pipe();
  auto reader = std::make_unique<FdReader>(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  CallbackSink sink;
  sink.bytes_callback = [&](ByteSpan) { reader.reset(); };
  reader->start(sink);
  put(pipe.write_end, "first");
  run_until([&] { return reader == nullptr; });

  Pipe other = make_pipe();
  reader = std::make_unique<FdReader>(*loop_, std::move(other.read_end), TrafficClass::kBulk);
  sink.end_callback = [&] { reader.reset(); };
  reader->start(sink);
  other.write_end.reset();
  run_until([&] { return reader == nullptr; });
  settle();
}

TEST_P(FdReaderTest, ADescriptorThatCannotBeReadEndsWithItsError) {
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.write_end), TrafficClass::kBulk);
  reader.start(sink_);
  run_until([&] { return sink_.end.has_value(); });
  EXPECT_EQ(sink_.end->os_errno, EBADF);
}

TEST_P(FdReaderTest, ReadsADescriptorInNonBlockingMode) {
  Pipe pipe = make_pipe();
  fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink_);
  settle();
  put(pipe.write_end, "later");
  run_until([&] { return sink_.text == "later"; });
}

TEST_P(FdReaderTest, ReadsAStreamSocketUntilItsReset) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd far_end(ends[1]);
  FdReader reader(*loop_, UniqueFd(ends[0]), TrafficClass::kSmall);
  reader.start(sink_);
  put(far_end, "over a socket");
  run_until([&] { return sink_.text == "over a socket"; });
  far_end.reset();
  run_until([&] { return sink_.end.has_value(); });
}

TEST_P(FdReaderTest, AHundredStreamsAreServedSideBySide) {
  constexpr std::size_t kStreams = 100;
  std::vector<Pipe> pipes;
  std::vector<std::unique_ptr<FdReader>> readers;
  std::vector<RecordingSink> sinks(kStreams);
  for (std::size_t index = 0; index < kStreams; ++index) {
    pipes.push_back(make_pipe());
    readers.push_back(
        std::make_unique<FdReader>(*loop_, std::move(pipes.back().read_end), TrafficClass::kBulk));
    readers.back()->start(sinks[index]);
  }
  for (std::size_t index = 0; index < kStreams; ++index) {
    put(pipes[index].write_end, "stream " + std::to_string(index));
    pipes[index].write_end.reset();
  }
  run_until([&] {
    for (const RecordingSink& sink : sinks) {
      if (!sink.end.has_value()) return false;
    }
    return true;
  });
  for (std::size_t index = 0; index < kStreams; ++index) {
    EXPECT_EQ(sinks[index].text, "stream " + std::to_string(index));
  }
}

}  // namespace
}  // namespace mcpwire::io
