// SPDX-License-Identifier: MIT
#include "protocol/json/writer.hpp"

#include "protocol/json/string_token.hpp"
#include "protocol/json/value.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json {
namespace {

std::string string_of(std::string_view text) {
  std::string out;
  Writer(out).string(text);
  return out;
}

TEST(WriterTest, WritesEveryKindOfValueCompactly) {
  std::string out = "before ";
  Writer writer(out);
  writer.begin_object().key("o").begin_object().end_object();
  writer.key("a").begin_array().number(1).number(-2).string("x").boolean(true).null();
  writer.begin_array().end_array().end_array();
  writer.key("f").boolean(false).key("r").raw("{\"x\": 1}").end_object();
  EXPECT_EQ(out, R"(before {"o":{},"a":[1,-2,"x",true,null,[]],"f":false,"r":{"x": 1}})");
  EXPECT_TRUE(writer.is_complete());
}

TEST(WriterTest, WritesNumbersAtTheirLimits) {
  std::string out;
  Writer writer(out);
  writer.begin_array().number(INT64_MIN).number(UINT64_MAX).number(std::uint8_t{7});
  writer.number(0.1).number(1e300).number(-0.5);
  writer.number(std::numeric_limits<double>::infinity());
  writer.number(std::numeric_limits<double>::quiet_NaN()).end_array();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,7,0.1,1e+300,-0.5,null,null]");
}

TEST(WriterTest, EscapesWhatAStringMayNotHold) {
  EXPECT_EQ(string_of("a\"b\\c\n\r\t\b\f/\x7f"), "\"a\\\"b\\\\c\\n\\r\\t\\b\\f/\x7f\"");
  EXPECT_EQ(string_of(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
}

TEST(WriterTest, KeepsUtf8AndReplacesOtherBytes) {
  EXPECT_EQ(string_of("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(string_of("a\xff"
                      "b"),
            "\"a" + bad + "b\"");
  EXPECT_EQ(string_of("\xc0\x80"), '"' + bad + bad + '"');
  EXPECT_EQ(string_of("\xed\xa0\x80"), '"' + bad + bad + bad + '"');
  EXPECT_EQ(string_of("\xe2\x82"), '"' + bad + bad + '"');
  EXPECT_EQ(string_of("\xf4\x90\x80\x80"), '"' + bad + bad + bad + bad + '"');
}

TEST(WriterTest, WritesOneLineOfValidJsonForAnyBytes) {
  ValueReader reader;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string out = string_of(text);
      ASSERT_TRUE(reader.validate(out).has_value()) << first << ' ' << second;
      ASSERT_EQ(out.find_first_of("\r\n"), out.npos);
      if (first < 0x80 && second < 0x80) {
        ASSERT_EQ(decode_string(out).value(), text);
      }
    }
  }
}

TEST(WriterTest, RawLosesItsNewlinesOnly) {
  std::string out = "kept\n";
  Writer(out).raw("{\r\n  \"a\":\t1\n}");
  EXPECT_EQ(out, "kept\n{    \"a\":\t1 }");
}

using WriterDeathTest = ::testing::Test;

TEST(WriterDeathTest, MisuseIsABug) {
  std::string out;
  EXPECT_DEATH(Writer(out).key("k"), "check failed");
  EXPECT_DEATH(Writer(out).begin_array().key("k"), "check failed");
  EXPECT_DEATH(Writer(out).begin_object().number(1), "check failed");
  EXPECT_DEATH(Writer(out).begin_object().key("k").key("k"), "check failed");
  EXPECT_DEATH(Writer(out).begin_object().key("k").end_object(), "check failed");
  EXPECT_DEATH(Writer(out).begin_object().end_array(), "check failed");
  EXPECT_DEATH(Writer(out).end_object(), "check failed");
  EXPECT_DEATH(Writer(out).number(1).number(2), "check failed");
  EXPECT_DEATH(Writer(out).raw(""), "check failed");
}

TEST(WriterDeathTest, NestingIsBounded) {
  std::string out;
  Writer writer(out);
  for (unsigned depth = 0; depth < kDepthMax; ++depth) writer.begin_array();
  EXPECT_DEATH(writer.begin_array(), "check failed");
}

}  // namespace
}  // namespace mcpwire::protocol::json
