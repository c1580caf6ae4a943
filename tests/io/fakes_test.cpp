// SPDX-License-Identifier: MIT
//
// The fakes of tests/support against the contracts of the seams they stand for.
#include "tests/support/fake_byte_stream.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_file_system.hpp"
#include "tests/support/fake_random.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::test_support {
namespace {

class MarkTimer final : public Timer {
 public:
  MarkTimer(std::vector<int>& order, int mark) : order_(order), mark_(mark) {}
  void on_timer() override { order_.push_back(mark_); }

 private:
  std::vector<int>& order_;
  int mark_;
};

struct Sink final : ByteReader::Sink {
  void on_bytes(ByteSpan bytes) override { text.append(as_text(bytes)); }
  void on_read_end(const Error& why) override { end = why; }
  std::string text;
  std::optional<Error> end;
};

struct Completion final : ByteWriter::Completion {
  void on_written(std::size_t bytes, const Error* failure) override {
    ++calls;
    written = bytes;
    if (failure != nullptr) error = *failure;
  }
  int calls = 0;
  std::size_t written = 0;
  std::optional<Error> error;
};

TEST(FakeEventLoopTest, AdvancingStopsAtEachTimerInOrder) {
  FakeEventLoop loop;
  std::vector<int> order;
  MarkTimer second(order, 2);
  MarkTimer first(order, 1);
  MarkTimer beyond(order, 3);
  loop.arm(second, loop.now_ns() + 20);
  loop.arm(first, loop.now_ns() + 10);
  loop.arm(beyond, loop.now_ns() + 31);
  loop.advance_ns(30);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(loop.now_ns(), FakeEventLoop::kStartNs + 30);
  EXPECT_TRUE(loop.advance_to_next_timer());
  EXPECT_FALSE(loop.advance_to_next_timer());
  EXPECT_EQ(order.back(), 3);
}

TEST(FakeByteReaderTest, DeliversFromTheLoopAndHonoursPause) {
  FakeEventLoop loop;
  FakeByteReader reader(loop);
  Sink sink;
  reader.feed("early ");
  reader.start(sink);
  EXPECT_EQ(sink.text, "");
  loop.run_until_idle();
  reader.pause();
  reader.feed("late");
  reader.feed_end();
  loop.run_until_idle();
  EXPECT_EQ(sink.text, "early ");
  reader.resume();
  loop.run_until_idle();
  EXPECT_EQ(sink.text, "early late");
  EXPECT_EQ(sink.end->code, ErrorCode::kClosed);
}

TEST(FakeByteReaderTest, NothingComesAfterClose) {
  FakeEventLoop loop;
  FakeByteReader reader(loop);
  Sink sink;
  reader.start(sink);
  reader.feed("x");
  reader.close();
  loop.run_until_idle();
  EXPECT_EQ(sink.text, "");
}

TEST(FakeByteWriterTest, BlocksAcceptsPartlyAndGoesOn) {
  FakeEventLoop loop;
  FakeByteWriter writer(loop);
  Completion completion;
  writer.block();
  writer.write(as_bytes("hello"), completion);
  writer.accept_while_blocked(2);
  loop.run_until_idle();
  EXPECT_EQ(writer.written(), "he");
  EXPECT_TRUE(writer.is_busy());
  writer.unblock();
  loop.run_until_idle();
  EXPECT_EQ(writer.take_written(), "hello");
  EXPECT_EQ(completion.written, 5U);
  EXPECT_FALSE(completion.error.has_value());
}

TEST(FakeByteWriterTest, FailsBehindWhatItAccepts) {
  FakeEventLoop loop;
  FakeByteWriter writer(loop);
  Completion completion;
  writer.fail_after(3, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
  writer.write(as_bytes("hello"), completion);
  loop.run_until_idle();
  EXPECT_EQ(completion.written, 3U);
  EXPECT_EQ(completion.error->code, ErrorCode::kClosed);
  EXPECT_EQ(writer.written(), "hel");
}

TEST(FakeFileSystemTest, EachChangeIsANewIdentity) {
  FakeFileSystem files;
  files.put("/a", "one", 0700);
  const FileIdentity first = files.status("/a")->identity;
  EXPECT_TRUE(files.is_executable("/a"));
  ASSERT_TRUE(files.replace("/a", "two").has_value());
  EXPECT_NE(files.status("/a")->identity, first);
  EXPECT_FALSE(files.is_executable("/a"));
  EXPECT_EQ(files.read("/a", 2).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(files.read("/none", 2).error().kind, ErrorKind::kNotFound);
}

TEST(FakeRandomTest, TheSameSeedGivesTheSameNumbers) {
  FakeRandom first(0);
  FakeRandom second(0);
  FakeRandom other(1);
  const std::uint64_t number = first.next();
  EXPECT_EQ(number, second.next());
  EXPECT_NE(number, other.next());
}

}  // namespace
}  // namespace mcpwire::test_support
