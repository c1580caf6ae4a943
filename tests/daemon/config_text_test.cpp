// SPDX-License-Identifier: MIT
#include "daemon/config/duration.hpp"
#include "daemon/config/escape.hpp"
#include "daemon/config/nearest_name.hpp"
#include "daemon/config/paths.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mcpwire::config {
namespace {

TEST(DurationTest, TakesUnitsAndPlainSeconds) {
  EXPECT_EQ(parse_duration("5s").value(), 5'000'000'000u);
  EXPECT_EQ(parse_duration("500ms").value(), 500'000'000u);
  EXPECT_EQ(parse_duration("2m").value(), 120'000'000'000u);
  EXPECT_EQ(parse_duration("1h").value(), 3'600'000'000'000u);
  EXPECT_EQ(parse_duration("20us").value(), 20'000u);
  EXPECT_EQ(parse_duration("1.5").value(), 1'500'000'000u);
  EXPECT_EQ(parse_duration("0.25s").value(), 250'000'000u);
  EXPECT_EQ(parse_duration("24h").value(), 86'400'000'000'000u);
}

TEST(DurationTest, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "s", "5 s", "5x", "abc", "1e3", "nan", "inf", "0", "0s", "-1", "5ss",
                           "0.1ns", "25h", "600000", "1e999", "99999999999999999999999999h"}) {
    const auto parsed = parse_duration(text);
    EXPECT_FALSE(parsed.has_value()) << text;
  }
  EXPECT_NE(parse_duration("600000").error().message().find("without a unit means seconds"),
            std::string::npos);
}

TEST(DurationTest, ShowsThreeDigitsAndAUnitThatFits) {
  EXPECT_EQ(format_duration(0), "0 ns");
  EXPECT_EQ(format_duration(850), "850 ns");
  EXPECT_EQ(format_duration(12'340), "12.3 us");
  EXPECT_EQ(format_duration(4'560'000), "4.56 ms");
  EXPECT_EQ(format_duration(120'000'000'000), "120 s");
}

TEST(EscapeTest, LeavesOrdinaryTextOfAnyLanguage) {
  const std::string text = "plain, \"quoted\" \\ äß 漢字 🚀 👩‍💻";
  EXPECT_EQ(escape_unprintable(text, LineBreaks::kEscape), text);
}

TEST(EscapeTest, ShowsWhatATerminalWouldObey) {
  const auto shown = [](std::string_view text) {
    return escape_unprintable(text, LineBreaks::kEscape);
  };
  EXPECT_EQ(shown("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(shown("\a\b\x7f"), "\\x07\\x08\\x7f");
  EXPECT_EQ(shown("a\r\n\tb"), "a\\r\\n\\tb");
  EXPECT_EQ(shown("\xc2\x9b"
                  "2J"),
            "\\x9b2J");  // C1 CSI as UTF-8
  EXPECT_EQ(shown("\xe2\x80\xae"
                  "txt"),
            "\\u{202e}txt");  // right-to-left override
  EXPECT_EQ(shown("a\xe2\x80\x8b"
                  "b"),
            "a\\u{200b}b");                            // zero width space
  EXPECT_EQ(shown("\xf3\xa0\x81\x81"), "\\u{e0041}");  // tag character
  EXPECT_EQ(shown(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(EscapeTest, ShowsBytesThatAreNoUtf8) {
  const auto shown = [](std::string_view text) {
    return escape_unprintable(text, LineBreaks::kEscape);
  };
  EXPECT_EQ(shown("\x9b"
                  "31m"),
            "\\x9b31m");                       // C1 CSI as a bare byte
  EXPECT_EQ(shown("\xc0\xaf"), "\\xc0\\xaf");  // overlong
  EXPECT_EQ(shown("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
  EXPECT_EQ(shown("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");
  EXPECT_EQ(shown("\xe2\x82"), "\\xe2\\x82");           // cut off
  EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(shown("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(shown("\xe2(\xa1"), "\\xe2(\\xa1");
}

TEST(EscapeTest, KeepsLineBreaksWhereAsked) {
  EXPECT_EQ(escape_unprintable("a\n\tb\rc\x1b", LineBreaks::kKeep), "a\n\tb\\rc\\x1b");
}

TEST(EscapeTest, QuotedTextCanBeReadInOneWayOnly) {
  EXPECT_EQ(quote_exactly("a b"), "\"a b\"");
  EXPECT_EQ(quote_exactly("\x1b"), "\"\\x1b\"");
  EXPECT_EQ(quote_exactly("\\x1b"), "\"\\\\x1b\"");
  EXPECT_EQ(quote_exactly("\" \""), "\"\\\" \\\"\"");
}

TEST(NearestNameTest, FindsTyposSwapsAndOtherCase) {
  const std::vector<std::string> names = {"filesystem", "github", "everything"};
  EXPECT_EQ(nearest_name("filesytem", names), "filesystem");
  EXPECT_EQ(nearest_name("gihtub", names), "github");
  EXPECT_EQ(nearest_name("GitHub", names), "github");
  EXPECT_EQ(nearest_name("tca", std::vector<std::string>{"tac"}), "tac") << "a swap is one edit";
  EXPECT_EQ(nearest_name("everythng", names), "everything");
}

TEST(NearestNameTest, IsSilentWhereNothingIsNear) {
  const std::vector<std::string> names = {"filesystem", "github"};
  EXPECT_FALSE(nearest_name("postgres", names));
  EXPECT_FALSE(nearest_name("", names));
  EXPECT_FALSE(nearest_name("x", std::vector<std::string>{"y"}));
  EXPECT_FALSE(nearest_name("x", {}));
  EXPECT_FALSE(nearest_name(std::string(100'000, 'a'), names));
}

TEST(NearestNameTest, TextNamesTheSuggestionOrWhatThereIs) {
  const std::vector<std::string> names = {"github", "files"};
  EXPECT_EQ(unknown_name_text("server", "gitub", names),
            "unknown server 'gitub'; did you mean 'github'?");
  EXPECT_EQ(unknown_name_text("server", "zzz", names),
            "unknown server 'zzz'; there is 'github', 'files'");
  EXPECT_EQ(unknown_name_text("tool", "z\x1b", {}), "unknown tool 'z\\x1b'; there is none");
  const std::vector<std::string> many(20, "abcdefgh");
  EXPECT_TRUE(unknown_name_text("tool", "zzz", many).ends_with(" and 12 more"));
}

TEST(PathsTest, JoinsAndTidies) {
  EXPECT_EQ(absolute_path("/a/b", "c"), "/a/b/c");
  EXPECT_EQ(absolute_path("/a/b", "../c/./d//e/"), "/a/c/d/e");
  EXPECT_EQ(absolute_path("/a/b", "/x"), "/x");
  EXPECT_EQ(absolute_path("/a/b", ""), "/a/b");
  EXPECT_EQ(absolute_path("/", "../.."), "/");
  EXPECT_EQ(directory_of("/a/b"), "/a");
  EXPECT_EQ(directory_of("/a"), "/");
}

TEST(PathsTest, EnvironmentBlocksAreReadAsFarAsTheyMakeSense) {
  const std::string_view block("A=1\0B=x=y\0\0=z\0none\0A=2\0C=", 26);
  EXPECT_EQ(parse_environment_block(block), (EnvironmentMap{{"A", "1"}, {"B", "x=y"}, {"C", ""}}));
  EXPECT_TRUE(parse_environment_block("").empty());
}

TEST(PathsTest, BaseDirectoryIgnoresRelativeValues) {
  EXPECT_EQ(base_directory({{"XDG_X", "/s"}, {"HOME", "/h"}}, "XDG_X", ".x"), "/s");
  EXPECT_EQ(base_directory({{"XDG_X", "s"}, {"HOME", "/h"}}, "XDG_X", ".x"), "/h/.x");
  EXPECT_EQ(base_directory({}, "XDG_X", ".x"), "");
}

}  // namespace
}  // namespace mcpwire::config
