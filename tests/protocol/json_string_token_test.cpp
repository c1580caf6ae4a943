// SPDX-License-Identifier: MIT
#include "protocol/json/string_token.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json {
namespace {

TEST(StringTokenTest, DecodesPlainTextAndEveryEscape) {
  EXPECT_EQ(decode_string("\"\"").value(), "");
  EXPECT_EQ(decode_string("\"plain \xc3\xa9\"").value(), "plain \xc3\xa9");
  EXPECT_EQ(decode_string(R"("\"\\\/\b\f\n\r\t")").value(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(decode_string(R"("\u0041\u00e9\u20AC")").value(), "A\xc3\xa9\xe2\x82\xac");
  EXPECT_EQ(decode_string(R"("a\u0000b")").value(), std::string("a\0b", 3));
}

TEST(StringTokenTest, JoinsSurrogatePairs) {
  EXPECT_EQ(decode_string(R"("\ud83d\ude00")").value(), "\xf0\x9f\x98\x80");
  EXPECT_EQ(decode_string(R"("\uD800\uDC00\uDBFF\uDFFF")").value(),
            "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(StringTokenTest, ReplacesLoneSurrogates) {
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(decode_string(R"("\ud800")").value(), replacement);
  EXPECT_EQ(decode_string(R"("\udc00x")").value(), replacement + "x");
  EXPECT_EQ(decode_string(R"("\ud800\n")").value(), replacement + "\n");
  EXPECT_EQ(decode_string(R"("\ud800\ud83d\ude00")").value(), replacement + "\xf0\x9f\x98\x80");
}

TEST(StringTokenTest, RefusesWhatIsNoStringToken) {
  for (const std::string_view token :
       {"", "\"", "abc", "\"abc", "abc\"", "1", "null", "\"a\"b\"", "\"\\\"", "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\""}) {
    const Result<std::string> text = decode_string(token);
    ASSERT_FALSE(text.has_value()) << token;
    EXPECT_EQ(text.error().code, ErrorCode::kMalformedJson);
  }
}

TEST(StringTokenTest, ReadsBooleans) {
  EXPECT_TRUE(read_bool("true").value());
  EXPECT_FALSE(read_bool("false").value());
  for (const std::string_view token : {"", "True", "1", "\"true\"", "true "}) {
    EXPECT_FALSE(read_bool(token).has_value()) << token;
  }
}

TEST(StringTokenTest, ReadsIntegersThatFit) {
  EXPECT_EQ(read_int64("0").value(), 0);
  EXPECT_EQ(read_int64("-0").value(), 0);
  EXPECT_EQ(read_int64("9223372036854775807").value(), INT64_MAX);
  EXPECT_EQ(read_int64("-9223372036854775808").value(), INT64_MIN);
  for (const std::string_view token :
       {"", "-", "9223372036854775808", "1.0", "1e3", "01", "+1", "\"1\"", " 1"}) {
    EXPECT_FALSE(read_int64(token).has_value()) << token;
  }
}

TEST(StringTokenTest, ReadsAnyNumberAsADouble) {
  EXPECT_EQ(read_double("-2.5e+3").value(), -2500.0);
  EXPECT_EQ(read_double("0.1").value(), 0.1);
  for (const std::string_view token : {"", "1e999", "nan", "inf", "0x1", "1.", ".5"}) {
    EXPECT_FALSE(read_double(token).has_value()) << token;
  }
}

}  // namespace
}  // namespace mcpwire::protocol::json
