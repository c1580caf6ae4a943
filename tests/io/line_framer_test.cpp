// SPDX-License-Identifier: MIT
#include "io/line_framer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {
namespace {

class Lines final : public LineFramer::Sink {
 public:
  void on_line(std::string_view line) override {
    lines.emplace_back(line);
    last_data = line.data();
    if (framer_to_stop != nullptr) framer_to_stop->stop();
  }
  void on_oversize() override { ++oversize; }

  std::vector<std::string> lines;
  const char* last_data = nullptr;
  int oversize = 0;
  LineFramer* framer_to_stop = nullptr;
};

using Expected = std::vector<std::string>;

TEST(LineFramerTest, DeliversEachLineOfOneDelivery) {
  Lines sink;
  LineFramer framer(sink);
  framer.feed(as_bytes("{\"a\":1}\n{\"b\":2}\n"));
  EXPECT_EQ(sink.lines, (Expected{"{\"a\":1}", "{\"b\":2}"}));
}

TEST(LineFramerTest, HandsAWholeLineOutInPlace) {
  Lines sink;
  LineFramer framer(sink);
  const std::string text = "first\nsecond\n";
  framer.feed(as_bytes(text));
  EXPECT_EQ(sink.last_data, text.data() + 6);
  EXPECT_EQ(framer.buffered_bytes(), 0U);
}

TEST(LineFramerTest, JoinsALineFromItsPieces) {
  Lines sink;
  LineFramer framer(sink);
  for (const char c : std::string("one\ntwo\n")) framer.feed(as_bytes(std::string_view(&c, 1)));
  EXPECT_EQ(sink.lines, (Expected{"one", "two"}));
}

TEST(LineFramerTest, StripsCarriageReturnAndSkipsBlankLines) {
  Lines sink;
  LineFramer framer(sink);
  framer.feed(as_bytes("\n\r\n  \t\nx\r\n\n"));
  EXPECT_EQ(sink.lines, (Expected{"x"}));
}

TEST(LineFramerTest, StripsAByteOrderMarkBeforeTheFirstLineOnly) {
  Lines sink;
  LineFramer framer(sink);
  framer.feed(as_bytes("\xEF\xBB\xBF{}\n\xEF\xBB\xBF{}\n"));
  EXPECT_EQ(sink.lines, (Expected{"{}", "\xEF\xBB\xBF{}"}));
}

TEST(LineFramerTest, KeepsNulBytesInsideALine) {
  Lines sink;
  LineFramer framer(sink);
  framer.feed(as_bytes(std::string_view("a\0b\n", 4)));
  EXPECT_EQ(sink.lines, (Expected{std::string("a\0b", 3)}));
}

TEST(LineFramerTest, APartialLineAtTheEndIsNoMessage) {
  Lines sink;
  LineFramer framer(sink);
  framer.feed(as_bytes("whole\n{\"half\":"));
  EXPECT_EQ(framer.finish(), 8U);
  EXPECT_EQ(sink.lines, (Expected{"whole"}));
}

TEST(LineFramerTest, ALineOfExactlyTheLimitPassesAndOneMoreDoesNot) {
  Lines sink;
  LineFramer framer(sink, 4);
  framer.feed(as_bytes("abcd\nabcde\nab"));
  framer.feed(as_bytes("cd\nabc"));
  framer.feed(as_bytes("de\nok\n"));
  EXPECT_EQ(sink.lines, (Expected{"abcd", "abcd", "ok"}));
  EXPECT_EQ(sink.oversize, 2);
}

TEST(LineFramerTest, ReportsAnEndlessLineOnceAndHoldsNoneOfIt) {
  Lines sink;
  LineFramer framer(sink, 1024);
  const std::string piece(1000, 'x');
  for (int i = 0; i < 50; ++i) {
    framer.feed(as_bytes(piece));
    EXPECT_LE(framer.buffered_bytes(), 1024U);
  }
  EXPECT_EQ(sink.oversize, 1);
  EXPECT_LE(framer.capacity_bytes(), LineFramer::kKeptBytes);
  framer.feed(as_bytes("\nnext\n"));
  EXPECT_EQ(sink.lines, (Expected{"next"}));
}

TEST(LineFramerTest, GivesTheMemoryOfALargeLineBack) {
  Lines sink;
  LineFramer framer(sink);
  const std::string half(std::size_t{1} << 20, 'x');
  framer.feed(as_bytes(half));
  EXPECT_GE(framer.capacity_bytes(), half.size());
  framer.feed(as_bytes(half + "\n"));
  ASSERT_EQ(sink.lines.size(), 1U);
  EXPECT_EQ(sink.lines[0].size(), 2 * half.size());
  EXPECT_LE(framer.capacity_bytes(), LineFramer::kKeptBytes);
}

TEST(LineFramerTest, StopsInTheMiddleOfADelivery) {
  Lines sink;
  LineFramer framer(sink);
  sink.framer_to_stop = &framer;
  framer.feed(as_bytes("one\ntwo\n"));
  framer.feed(as_bytes("three\n"));
  EXPECT_EQ(sink.lines, (Expected{"one"}));
}

TEST(LineFramerTest, TheCutsOfTheStreamDoNotMatter) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::string text;
  Expected expected;
  for (int i = 0; i < 500; ++i) {
    const std::string line(random() % 200, static_cast<char>('a' + i % 26));
    text += line + (random() % 2 == 0 ? "\n" : "\r\n");
    if (!line.empty()) expected.push_back(line);
  }
  Lines sink;
  LineFramer framer(sink, 200);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::min<std::size_t>(1 + random() % 300, text.size() - at);
    framer.feed(as_bytes(std::string_view(text).substr(at, bytes)));
    at += bytes;
  }
  EXPECT_EQ(sink.lines, expected);
  EXPECT_EQ(sink.oversize, 0);
}

}  // namespace
}  // namespace mcpwire::io
