// SPDX-License-Identifier: MIT
#include "io/fd_stream.hpp"
#include "tests/io/loop_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

class FdWriterTest : public LoopFixture {
 protected:
  RecordingCompletion completion_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(FdWriterTest);

TEST_P(FdWriterTest, WritesAllAndReportsItLater) {
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes("hello"), completion_);
  EXPECT_TRUE(writer.is_busy());
  EXPECT_EQ(completion_.calls, 0);
  run_until([&] { return completion_.calls == 1; });
  EXPECT_EQ(completion_.written, 5U);
  EXPECT_FALSE(completion_.error.has_value());
  EXPECT_FALSE(writer.is_busy());
  EXPECT_EQ(take_available(pipe.read_end), "hello");
}

TEST_P(FdWriterTest, AnEmptyWriteCompletesToo) {
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write({}, completion_);
  EXPECT_EQ(completion_.calls, 0);
  settle();
  EXPECT_EQ(completion_.calls, 1);
  EXPECT_EQ(completion_.written, 0U);
}

TEST_P(FdWriterTest, TellsHowMuchOfAPipeIsYetToBeRead) {
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  EXPECT_EQ(writer.unread_bytes(), 0U);
  writer.write(as_bytes("hello"), completion_);
  run_until([&] { return completion_.calls == 1; });
  EXPECT_EQ(writer.unread_bytes(), 5U);
  EXPECT_EQ(take_available(pipe.read_end), "hello");
  EXPECT_EQ(writer.unread_bytes(), 0U);
  writer.close();
  EXPECT_EQ(writer.unread_bytes(), 0U);
}

TEST_P(FdWriterTest, AFullPipeDelaysTheRestOfTheWrite) {
  Pipe pipe = make_pipe();
  const std::string sent = pattern(300'000);
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes(sent), completion_);
  settle();
  EXPECT_EQ(completion_.calls, 0) << "a pipe holds 64 KiB";
  std::string received;
  while (completion_.calls == 0) {
    received += take_available(pipe.read_end);
    loop_->run_once(0);
  }
  received += take_available(pipe.read_end);
  EXPECT_EQ(completion_.written, sent.size());
  EXPECT_TRUE(received == sent);
}

TEST_P(FdWriterTest, TheReadersDeathIsReportedWithWhatWasAccepted) {
  Pipe pipe = make_pipe();
  const std::string sent = pattern(100'000);
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes(sent), completion_);
  settle();
  pipe.read_end.reset();
  run_until([&] { return completion_.calls == 1; });
  ASSERT_TRUE(completion_.error.has_value());
  EXPECT_EQ(completion_.error->kind, ErrorKind::kDisconnected);
  EXPECT_EQ(completion_.error->os_errno, EPIPE);
  EXPECT_EQ(completion_.written, 65536U);
}

TEST_P(FdWriterTest, ANextWriteMayStartInTheCompletion) {
  class Chaining final : public ByteWriter::Completion {
   public:
    void on_written(std::size_t, const Error*) override {
      if (--left > 0) writer->write(as_bytes("ab"), *this);
    }
    FdWriter* writer = nullptr;
    int left = 10;
  } chaining;
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  chaining.writer = &writer;
  writer.write(as_bytes("ab"), chaining);
  run_until([&] { return chaining.left == 0; });
  EXPECT_EQ(take_available(pipe.read_end).size(), 20U);
}

TEST_P(FdWriterTest, AWriterMayBeDestroyedInItsCompletion) {
  class Destroying final : public ByteWriter::Completion {
   public:
    void on_written(std::size_t, const Error*) override { writer.reset(); }
    std::unique_ptr<FdWriter> writer;
  } destroying;
  Pipe pipe = make_pipe();
  destroying.writer = std::make_unique<FdWriter>(*loop_, std::move(pipe.write_end));
  destroying.writer->write(as_bytes("bye"), destroying);
  run_until([&] { return destroying.writer == nullptr; });
  settle();
  EXPECT_EQ(take_available(pipe.read_end), "bye");
}

// The submission queue is full, so a cancellation that only waits in a queue would reach the kernel
// after the pipe has got room and the write went on, with bytes that are the caller's again.
TEST_P(FdWriterTest, AfterCloseTheKernelTouchesTheBytesNoMore) {
  make_loop({.submission_entries = 2});
  Pipe pipe = make_pipe();
  auto sent = std::make_unique<std::string>(300'000, 'a');
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes(*sent), completion_);
  settle();
  std::vector<Pipe> others;
  std::vector<std::unique_ptr<FdReader>> readers;
  RecordingSink sink;
  for (int count = 0; count < 4; ++count) {
    others.push_back(make_pipe());
    readers.push_back(
        std::make_unique<FdReader>(*loop_, std::move(others.back().read_end), TrafficClass::kBulk));
    readers.back()->start(sink);
  }
  writer.close();
  sent->assign(300'000, 'b');
  const std::string before = take_available(pipe.read_end);
  settle();
  EXPECT_EQ(before, std::string(65536, 'a'));
  EXPECT_EQ(take_available(pipe.read_end), "");
  EXPECT_EQ(completion_.calls, 0);
}

TEST_P(FdWriterTest, CloseBeforeTheWriteWasSubmittedIsSafe) {
  Pipe pipe = make_pipe();
  FdWriter writer(*loop_, std::move(pipe.write_end));
  auto sent = std::make_unique<std::string>(10, 'a');
  writer.write(as_bytes(*sent), completion_);
  writer.close();
  sent.reset();
  settle();
  EXPECT_EQ(completion_.calls, 0);
}

TEST_P(FdWriterTest, WritesToADescriptorInNonBlockingMode) {
  Pipe pipe = make_pipe();
  fcntl(pipe.write_end.get(), F_SETFL, O_NONBLOCK);
  const std::string sent = pattern(200'000);
  FdWriter writer(*loop_, std::move(pipe.write_end));
  writer.write(as_bytes(sent), completion_);
  std::string received;
  while (completion_.calls == 0) {
    loop_->run_once(0);
    received += take_available(pipe.read_end);
  }
  EXPECT_TRUE(received == sent);
}

}  // namespace
}  // namespace mcpwire::io
