// SPDX-License-Identifier: MIT
#include "io/redaction.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

SpawnRequest with_environment(std::vector<std::string> environment) {
  SpawnRequest server;
  server.environment = std::move(environment);
  return server;
}

TEST(RedactionTest, ReplacesEachValueByItsName) {
  EXPECT_EQ(redact("bad token abc123, abc123!", with_environment({"TOKEN=abc123"})),
            "bad token [TOKEN], [TOKEN]!");
}

TEST(RedactionTest, ReplacesWhatWasExpandedElsewhere) {
  SpawnRequest server = with_environment({"LINE=Bearer abc123"});
  server.secrets = {"TOKEN=abc123", "HOME=/home/ann"};
  EXPECT_EQ(redact("Bearer abc123; /home/ann/abc123", server), "[LINE]; /home/ann/[TOKEN]");
}

TEST(RedactionTest, ReplacesTheFormsOfJsonAndOfUrls) {
  const SpawnRequest server = with_environment({"KEY=top/se\"cret\\9"});
  EXPECT_EQ(redact(R"({"k":"top/se\"cret\\9"})", server), R"({"k":"[KEY]"})");
  EXPECT_EQ(redact("GET /?key=top%2Fse%22cret%5C9&x", server), "GET /?key=[KEY]&x");
}

TEST(RedactionTest, LeavesWhatIsNoSecretByItsNature) {
  EXPECT_EQ(
      redact("no /home/ann in /usr/bin", with_environment({"HOME=/home/ann", "PATH=/usr/bin"})),
      "no /home/ann in /usr/bin");
}

TEST(RedactionTest, LeavesShortValues) {
  EXPECT_EQ(redact("mode is on", with_environment({"DEBUG=on", "EMPTY=", "NOTHING"})),
            "mode is on");
}

TEST(RedactionTest, LeavesPlainWordsButUnderTheNameOfASecret) {
  EXPECT_EQ(redact("the server is here", with_environment({"U=server"})), "the server is here");
  EXPECT_EQ(redact("in production", with_environment({"NODE_ENV=production"})), "in production");
  EXPECT_EQ(redact("the hunter is here", with_environment({"DB_PASSWORD=hunter"})),
            "the [DB_PASSWORD] is here");
  EXPECT_EQ(redact("the hunter2 is here", with_environment({"U=hunter2"})), "the [U] is here");
}

TEST(RedactionTest, ANameCannotEndAStringOfJson) {
  EXPECT_EQ(redact(R"({"m":"top-1"})", with_environment({"A\"B\\=top-1"})), R"({"m":"[A_B_]"})");
}

TEST(RedactionTest, ReplacesTheLongerOfTwoThatBeginAlike) {
  EXPECT_EQ(redact("key secret-long", with_environment({"A=secret", "B=secret-long"})), "key [B]");
}

TEST(RedactionTest, AValueThatNamesItselfEnds) {
  EXPECT_EQ(redact("xKEYxKEYx", with_environment({"KEY=KEYx"})), "x[KEY][KEY]");
}

TEST(RedactionTest, TheCutLeavesNoPieceOfASecret) {
  const SpawnRequest server = with_environment({"TOKEN=abcdefgh"});
  for (std::size_t before = kShownBytesMax - 10; before <= kShownBytesMax; ++before) {
    const std::string shown = shown_text(std::string(before, '-') + "abcdefgh", server);
    EXPECT_LE(shown.size(), kShownBytesMax);
    EXPECT_EQ(shown.find('a'), std::string::npos) << shown;
  }
}

TEST(RedactionTest, TheCutLeavesNoHalfCharacter) {
  std::string text = "x";
  while (text.size() < kShownBytesMax) text += "\u00e9";
  const std::string shown = shown_text(text, {});
  EXPECT_EQ(shown.size(), kShownBytesMax - 1);
  EXPECT_EQ(shown, text.substr(0, kShownBytesMax - 1));
}

TEST(RedactionTest, ControlCharactersHideNoSecret) {
  const SpawnRequest server = with_environment({"KEY=first\nsecond", "TOKEN=abcdefgh"});
  EXPECT_EQ(shown_text("it is first\nsecond", server), "it is [KEY]");
  EXPECT_EQ(shown_text("it is abcd\x01"
                       "efgh\x7f",
                       server),
            "it is [TOKEN]");
}

}  // namespace
}  // namespace mcpwire::io
