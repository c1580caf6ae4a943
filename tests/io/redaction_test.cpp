// SPDX-License-Identifier: MIT
#include "io/detail/redaction.hpp"

#include <gtest/gtest.h>

namespace mcpwire::io::detail {
namespace {

TEST(RedactionTest, ReplacesEachValueByItsName) {
  EXPECT_EQ(redact_environment("bad token abc123, abc123!", {"TOKEN=abc123"}),
            "bad token [TOKEN], [TOKEN]!");
}

TEST(RedactionTest, LeavesWhatIsNoSecretByItsNature) {
  EXPECT_EQ(redact_environment("no /home/ann in /usr/bin", {"HOME=/home/ann", "PATH=/usr/bin"}),
            "no /home/ann in /usr/bin");
}

TEST(RedactionTest, LeavesShortValues) {
  EXPECT_EQ(redact_environment("mode is on", {"DEBUG=on", "EMPTY="}), "mode is on");
}

TEST(RedactionTest, ReplacesTheLongerOfTwoThatBeginAlike) {
  EXPECT_EQ(redact_environment("key secret-long", {"A=secret", "B=secret-long"}), "key [B]");
}

TEST(RedactionTest, AValueThatNamesItselfEnds) {
  EXPECT_EQ(redact_environment("xKEYxKEYx", {"KEY=KEYx"}), "x[KEY][KEY]");
}

}  // namespace
}  // namespace mcpwire::io::detail
