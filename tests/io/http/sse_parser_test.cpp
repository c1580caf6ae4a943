// SPDX-License-Identifier: MIT
#include "io/http/sse_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {
namespace {

struct Heard final : SseParser::Sink {
  void on_event(const SseEvent& event, LargeLine memory) override {
    large += memory ? 1 : 0;
    events.push_back(std::string(event.type) + "|" + std::string(event.data));
    if (parser != nullptr && event.data == "stop") parser->stop();
    if (parser != nullptr && event.data.starts_with("hold")) parser->hold();
  }
  std::vector<std::string> events;
  SseParser* parser = nullptr;
  int large = 0;
};

using Events = std::vector<std::string>;

Events events_of(std::string_view stream, std::size_t cut = std::string_view::npos) {
  Heard heard;
  SseParser parser(heard, 1000);
  EXPECT_TRUE(parser.feed(stream.substr(0, cut)));
  if (cut < stream.size()) {
    EXPECT_TRUE(parser.feed(stream.substr(cut)));
  }
  return heard.events;
}

TEST(SseParserTest, TellsAnEventAtTheBlankLine) {
  EXPECT_EQ(events_of("data: one\n\n"), Events{"message|one"});
  EXPECT_EQ(events_of("event: endpoint\ndata: /m?s=1\n\n"), Events{"endpoint|/m?s=1"});
}

TEST(SseParserTest, JoinsDataLinesWithLineFeeds) {
  EXPECT_EQ(events_of("data: a\ndata: b\ndata:\n\n"), Events{"message|a\nb\n"});
}

TEST(SseParserTest, TakesOneBlankBehindTheColonOnly) {
  EXPECT_EQ(events_of("data:  a\n\ndata:b\n\n"), (Events{"message| a", "message|b"}));
}

TEST(SseParserTest, IgnoresCommentsUnknownFieldsAndFieldsWithoutColon) {
  EXPECT_EQ(events_of(": ping\nfoo: bar\ndata: x\nevent\n\n"), Events{"message|x"});
}

TEST(SseParserTest, DropsWhatTheStreamEndsInTheMiddleOf) {
  EXPECT_EQ(events_of("data: x\n"), Events{});
  EXPECT_EQ(events_of("data: x"), Events{});
}

TEST(SseParserTest, AnEventWithoutDataSetsTheIdAndIsNotTold) {
  Heard heard;
  SseParser parser(heard, 1000);
  EXPECT_TRUE(parser.feed("id: 7\ndata:\n\n"));
  EXPECT_TRUE(heard.events.empty());
  EXPECT_EQ(parser.last_event_id(), "7");
}

TEST(SseParserTest, AnIdCountsOnlyOnceItsEventIsWhole) {
  Heard heard;
  SseParser parser(heard, 1000);
  EXPECT_TRUE(parser.feed("id: 1\ndata: a\n\nid: 2\ndata: b\n"));
  EXPECT_EQ(parser.last_event_id(), "1");
}

TEST(SseParserTest, AnIdStaysUntilAnotherComes) {
  Heard heard;
  SseParser parser(heard, 1000);
  EXPECT_TRUE(parser.feed("id: 1\ndata: a\n\ndata: b\n\n"));
  EXPECT_EQ(parser.last_event_id(), "1");
  EXPECT_TRUE(parser.feed("id\ndata: c\n\n"));
  EXPECT_EQ(parser.last_event_id(), "");
}

TEST(SseParserTest, IgnoresAnIdWithANul) {
  Heard heard;
  SseParser parser(heard, 1000);
  EXPECT_TRUE(parser.feed("id: 1\ndata: a\n\n"));
  EXPECT_TRUE(parser.feed(std::string_view("id: 2\0\ndata: b\n\n", 16)));
  EXPECT_EQ(parser.last_event_id(), "1");
}

TEST(SseParserTest, RetryIsDigitsOnly) {
  Heard heard;
  SseParser parser(heard, 1000);
  EXPECT_EQ(parser.retry_ms(), SseParser::kNoRetry);
  EXPECT_TRUE(parser.feed("retry: 500\n"));
  EXPECT_EQ(parser.retry_ms(), 500U);
  EXPECT_TRUE(parser.feed("retry: 5x\nretry:\nretry: -1\nretry: +1\n"));
  EXPECT_EQ(parser.retry_ms(), 500U);
  EXPECT_TRUE(parser.feed("retry: 99999999999999999999999\n"));
  EXPECT_EQ(parser.retry_ms(), SseParser::kRetryMsMax);
}

TEST(SseParserTest, LinesEndInEveryWayAndTheStreamIsCutAnywhere) {
  const std::string plain =
      "\xEF\xBB\xBF"
      ": c\nid: 1\nevent: e\ndata: a\ndata: b\n\ndata:\n\ndata: c\nretry: 3\n\n";
  const Events expected{"e|a\nb", "message|c"};
  for (const std::string_view end : {"\n", "\r", "\r\n"}) {
    std::string stream;
    for (const char c : plain) {
      if (c == '\n') {
        stream += end;
      } else {
        stream += c;
      }
    }
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      EXPECT_EQ(events_of(stream, cut), expected) << "cut at " << cut;
    }
  }
}

TEST(SseParserTest, SkipsOneByteOrderMarkAndOnlyAtTheStart) {
  EXPECT_EQ(events_of("\xEF\xBB\xBF"
                      "data: a\n\n"),
            Events{"message|a"});
  EXPECT_EQ(events_of("\xEF\xBB\xBF\xEF\xBB\xBF"
                      "data: a\n\n"),
            Events{});
  EXPECT_EQ(events_of("data: a\n\n\xEF\xBB\xBF"
                      "data: b\n\n"),
            Events{"message|a"});
  EXPECT_EQ(events_of("\xEF\xBB"
                      "data: a\n\n"),
            Events{});
}

TEST(SseParserTest, RefusesAnEventOverTheLimitHoweverItIsCut) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
    Heard heard;
    SseParser parser(heard, 100);
    const std::string stream = "data: ok\n\ndata: " + std::string(200, 'x') + "\n\ndata: late\n\n";
    bool goes_on = true;
    for (std::size_t at = 0; at < stream.size() && goes_on; at += piece) {
      goes_on = parser.feed(std::string_view(stream).substr(at, piece));
    }
    EXPECT_FALSE(goes_on);
    EXPECT_EQ(heard.events, Events{"message|ok"});
  }
}

TEST(SseParserTest, ManyDataLinesCountTogether) {
  Heard heard;
  SseParser parser(heard, 100);
  bool goes_on = true;
  for (int line = 0; line < 50 && goes_on; ++line) goes_on = parser.feed("data: 12345\n");
  EXPECT_FALSE(goes_on);
}

TEST(SseParserTest, AnUnfinishedLineCountsWithTheDataBeforeIt) {
  Heard heard;
  SseParser parser(heard, 100);
  ASSERT_TRUE(parser.feed("data: " + std::string(60, 'x') + "\n"));
  ASSERT_TRUE(parser.feed("data: " + std::string(20, 'y')));
  EXPECT_FALSE(parser.feed(std::string(20, 'y')));
}

TEST(SseParserTest, CommentsTakeNoRoom) {
  Heard heard;
  SseParser parser(heard, 10);
  for (int piece = 0; piece < 1000; ++piece) ASSERT_TRUE(parser.feed(":xxxxxxxxxxxxxxxxxxxx"));
  ASSERT_TRUE(parser.feed("\n:" + std::string(500, 'y') + "\ndata: a\n\n"));
  EXPECT_EQ(heard.events, Events{"message|a"});
}

TEST(SseParserTest, StopsInTheMiddleOfWhatItWasFed) {
  Heard heard;
  SseParser parser(heard, 1000);
  heard.parser = &parser;
  EXPECT_TRUE(parser.feed("data: stop\n\ndata: late\n\n"));
  EXPECT_TRUE(parser.feed("data: later\n\n"));
  EXPECT_EQ(heard.events, Events{"message|stop"});
}

TEST(SseParserTest, KeepsWhatComesWhileItIsHeldWhereverItWasCut) {
  const std::string stream = "data: hold1\r\n\r\ndata: hold2\n\ndata: three\n\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Heard heard;
    SseParser parser(heard, 1000);
    heard.parser = &parser;
    EXPECT_TRUE(parser.feed(std::string_view(stream).substr(0, cut)));
    EXPECT_TRUE(parser.feed(std::string_view(stream).substr(cut)));
    EXPECT_EQ(heard.events, Events{"message|hold1"}) << cut;
    EXPECT_TRUE(parser.is_held());
    EXPECT_TRUE(parser.release());
    EXPECT_EQ(heard.events.size(), 2U) << cut;
    EXPECT_TRUE(parser.is_held());
    EXPECT_TRUE(parser.release());
    EXPECT_EQ(heard.events.back(), "message|three") << cut;
    EXPECT_FALSE(parser.is_held());
  }
}

TEST(SseParserTest, LargeDataComesWithItsMemoryHoweverItIsCut) {
  LargeLinePool lines;
  const std::string text(MessageText::kLargeBytes, 'x');
  const std::string stream = "data: " + text + "\ndata:y\n\ndata: z\n\n";
  for (const std::size_t piece : {1UL, 5UL, 6UL, 7UL, 1000UL, stream.size()}) {
    Heard heard;
    SseParser parser(heard, 10 * MessageText::kLargeBytes, &lines);
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(parser.feed(std::string_view(stream).substr(at, piece)));
    }
    EXPECT_EQ(heard.events, (Events{"message|" + text + "\ny", "message|z"})) << piece;
    EXPECT_EQ(heard.large, 1) << piece;
  }
}

}  // namespace
}  // namespace mcpwire::io
