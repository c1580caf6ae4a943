// SPDX-License-Identifier: MIT
//
// Lines too long for the loop's buffers: cut by LineFramer in memory of their own, filled by
// FdReader straight from the pipe.
#include "io/large_line.hpp"

#include "io/fd_stream.hpp"
#include "io/line_framer.hpp"
#include "tests/io/loop_fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kLineMax = 4 * kMiB;

/// Remembers every line, and keeps the memory of large ones until it is told.
class LargeLines final : public LineFramer::Sink, public ByteReader::Sink {
 public:
  void on_line(std::string_view line) override { lines.emplace_back(line); }
  void on_large_line(std::string_view line, LargeLine memory) override {
    EXPECT_EQ(line.data(), as_text(memory.memory()).data());
    ++large;
    lines.emplace_back(line);
    if (keep) kept.push_back(std::move(memory));
    if (stop_after_large) framer.stop();
  }
  void on_oversize() override { ++oversize; }

  void on_bytes(ByteSpan bytes) override { framer.feed(bytes); }
  MutableByteSpan room() override { return framer.room(); }
  void on_filled(std::size_t bytes) override { framer.filled(bytes); }
  void on_read_end(const Error&) override { has_ended = true; }

  /// As a reader does that reads into the room where there is one.
  void give(std::string_view text, std::size_t piece_bytes) {
    while (!text.empty()) {
      std::size_t bytes = std::min(piece_bytes, text.size());
      const MutableByteSpan space = room();
      if (space.empty()) {
        framer.feed(as_bytes(text.substr(0, bytes)));
      } else {
        bytes = std::min(bytes, space.size());
        copy_bytes(space, as_bytes(text.substr(0, bytes)));
        framer.filled(bytes);
      }
      text.remove_prefix(bytes);
    }
  }

  LargeLinePool pool;
  LineFramer framer{*this, kLineMax, &pool};
  std::vector<std::string> lines;
  std::vector<LargeLine> kept;
  int large = 0;
  int oversize = 0;
  bool keep = false;
  bool stop_after_large = false;
  bool has_ended = false;
};

std::string letters(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

TEST(LargeLineTest, OnlyWhatHadArrivedBeforeIsCopied) {
  LargeLines sink;
  const std::string line = letters(3 * kMiB, 1);
  sink.give(line + "\nnext\n", 16 * 1024);
  ASSERT_EQ(sink.lines.size(), 2U);
  EXPECT_TRUE(sink.lines[0] == line);
  EXPECT_EQ(sink.lines[1], "next");
  EXPECT_EQ(sink.large, 1);
  EXPECT_EQ(sink.pool.counters.lines, 1U);
  EXPECT_LE(sink.pool.counters.bytes_copied, LineFramer::kLargeBytes + 16 * 1024);
  EXPECT_GE(sink.pool.counters.bytes_read, line.size() - LineFramer::kLargeBytes);
}

TEST(LargeLineTest, SmallerLinesNeedNoMemoryOfTheirOwn) {
  LargeLines sink;
  sink.give(letters(LineFramer::kLargeBytes - 1, 1) + "\n", 1024);
  ASSERT_EQ(sink.lines.size(), 1U);
  EXPECT_EQ(sink.large, 0);
}

TEST(LargeLineTest, AnyLinesInAnyPiecesComeOutAsTheyWentIn) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    LargeLines sink;
    std::vector<std::string> wanted;
    std::string text;
    for (int i = 0; i < 6; ++i) {
      const std::size_t bytes = 1 + random() % (random() % 2 == 0 ? 300'000 : 300);
      wanted.push_back(letters(bytes, random()));
      text += wanted.back() + (random() % 2 == 0 ? "\n" : "\r\n");
    }
    sink.give(text, 1 + random() % 200'000);
    ASSERT_TRUE(sink.lines == wanted) << "seed " << seed;
  }
}

TEST(LargeLineTest, BytesThatWereUnderWayAreStillTaken) {
  LargeLines sink;
  const std::string line = letters(200'000, 1);
  sink.framer.feed(as_bytes(std::string_view(line).substr(0, 100'000)));
  ASSERT_FALSE(sink.room().empty());
  sink.framer.feed(as_bytes(line.substr(100'000) + "\n{}\n[]"));
  ASSERT_EQ(sink.lines.size(), 2U);
  EXPECT_TRUE(sink.lines[0] == line);
  EXPECT_EQ(sink.lines[1], "{}");
  EXPECT_EQ(sink.framer.buffered_bytes(), 2U);
}

TEST(LargeLineTest, TheLimitHolds) {
  LargeLines sink;
  sink.give(letters(kLineMax, 1) + "\n", 100'000);
  EXPECT_EQ(sink.oversize, 0);
  EXPECT_EQ(sink.lines.size(), 1U);
  sink.give(letters(kLineMax + 1, 2) + "\n" + letters(10 * kMiB, 3) + "\nok\n", 100'000);
  EXPECT_EQ(sink.oversize, 2);
  ASSERT_EQ(sink.lines.size(), 2U);
  EXPECT_EQ(sink.lines[1], "ok");
}

TEST(LargeLineTest, AKeptLineIsNotWrittenByTheNext) {
  LargeLines sink;
  sink.keep = true;
  const std::string first = letters(200'000, 1);
  sink.give(first + "\n" + letters(200'000, 2) + "\n", 50'000);
  ASSERT_EQ(sink.kept.size(), 2U);
  EXPECT_TRUE(as_text(sink.kept[0].memory().first(first.size())) == first);
  EXPECT_NE(sink.kept[0].memory().data(), sink.kept[1].memory().data());
}

TEST(LargeLineTest, MemoryIsUsedAgainAndOutlivesItsPool) {
  auto pool = std::make_unique<LargeLinePool>();
  std::optional<LargeLine> line = pool->try_take(kMiB);
  const std::byte* const address = line->memory().data();
  line.reset();
  line = pool->try_take(kMiB);
  EXPECT_EQ(line->memory().data(), address);
  pool.reset();
  line->memory()[kMiB - 1] = std::byte{1};
}

TEST(LargeLineTest, StopInTheMiddleDeliversNothingMore) {
  LargeLines sink;
  sink.stop_after_large = true;
  sink.give(letters(200'000, 1) + "\nnext\n", 70'000);
  EXPECT_EQ(sink.lines.size(), 1U);
  EXPECT_TRUE(sink.room().empty());
}

TEST(LargeLineTest, AnUnfinishedLineIsForgottenAtTheEnd) {
  LargeLines sink;
  sink.give(letters(200'000, 1), 50'000);
  EXPECT_EQ(sink.framer.finish(), 200'000U);
  EXPECT_TRUE(sink.room().empty());
  EXPECT_EQ(sink.framer.buffered_bytes(), 0U);
}

class LargeLineReadTest : public LoopFixture {
 protected:
  void write_all(const UniqueFd& fd, std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd.get(), text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
};
MCPWIRE_INSTANTIATE_ON_KERNELS(LargeLineReadTest);

TEST_P(LargeLineReadTest, ThePipeIsReadStraightIntoTheLine) {
  LargeLines sink;
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink);
  const std::string first = letters(2 * kMiB, 1);
  const std::string second = letters(3 * kMiB, 2);
  std::thread writer([&] {
    write_all(pipe.write_end, "{}\n" + first + "\nbetween\n" + second + "\nlast\n");
    pipe.write_end.reset();
  });
  run_until([&] { return sink.has_ended; });
  writer.join();
  ASSERT_EQ(sink.lines.size(), 5U);
  EXPECT_TRUE(sink.lines[1] == first);
  EXPECT_EQ(sink.lines[2], "between");
  EXPECT_TRUE(sink.lines[3] == second);
  EXPECT_EQ(sink.lines[4], "last");
  EXPECT_EQ(sink.large, 2);
  // What was under way when a line turned out to be large, and what followed in the same read.
  EXPECT_GT(sink.pool.counters.bytes_read, 3 * kMiB);
  EXPECT_GT(sink.pool.counters.reads, 0U);
}

TEST_P(LargeLineReadTest, OfTheSecondLineOnlyTheBeginningIsCopied) {
  LargeLines sink;
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink);
  const std::string line = letters(3 * kMiB, 1) + "\n";
  for (std::size_t count = 1; count <= 2; ++count) {
    sink.pool.counters = {};
    std::thread writer([&] { write_all(pipe.write_end, line); });
    run_until([&] { return sink.lines.size() == count; });
    writer.join();
  }
  const std::size_t buffer_bytes = LoopOptions().bulk_buffers.bytes_each;
  EXPECT_LE(sink.pool.counters.bytes_copied, LineFramer::kLargeBytes + buffer_bytes);
  EXPECT_EQ(sink.pool.counters.bytes_copied + sink.pool.counters.bytes_read, line.size());
}

TEST_P(LargeLineReadTest, ALineMayBeDroppedWhileTheKernelReadsIntoIt) {
  Pipe pipe = make_pipe();
  {
    LargeLines sink;
    FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
    reader.start(sink);
    write_all(pipe.write_end, letters(60'000, 1));
    run_until([&] { return sink.framer.buffered_bytes() == 60'000; });
    write_all(pipe.write_end, letters(20'000, 1));
    run_until([&] { return sink.framer.buffered_bytes() == 80'000; });
    EXPECT_FALSE(sink.room().empty());
    settle();
    reader.close();
  }
  static_cast<void>(::write(pipe.write_end.get(), "late", 4));
  settle();
}

TEST_P(LargeLineReadTest, APausedReaderGoesOnWhereItStopped) {
  LargeLines sink;
  Pipe pipe = make_pipe();
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink);
  const std::string line = letters(150'000, 1);
  write_all(pipe.write_end, line.substr(0, 60'000));
  run_until([&] { return sink.framer.buffered_bytes() == 60'000; });
  write_all(pipe.write_end, line.substr(60'000, 40'000));
  run_until([&] { return sink.framer.buffered_bytes() == 100'000; });
  settle();
  reader.pause();
  settle();
  write_all(pipe.write_end, line.substr(100'000) + "\n");
  settle();
  EXPECT_TRUE(sink.lines.empty());
  reader.resume();
  run_until([&] { return !sink.lines.empty(); });
  EXPECT_TRUE(sink.lines[0] == line);
}

}  // namespace
}  // namespace mcpwire::io
