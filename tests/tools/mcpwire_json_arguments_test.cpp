// SPDX-License-Identifier: MIT
#include "tools/mcpwire/json_arguments.hpp"

#include "protocol/base/unique_fd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <string>
#include <thread>

namespace mcpwire::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string fault_of(std::string_view text, ErrorCode code = ErrorCode::kMalformedJson) {
  const auto checked = check_arguments(text);
  if (checked) return "";
  EXPECT_EQ(checked.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(checked.error().code, code);
  return checked.error().message();
}

TEST(JsonArgumentsTest, ObjectsPass) {
  for (const char* text : {"{}", " {\n} ", R"({"a":{"b":[1,2.5e3,null,true,"ä\u00e4"]}})",
                           R"({"n":123456789012345678901234567890})"}) {
    EXPECT_EQ(fault_of(text), "") << text;
  }
}

TEST(JsonArgumentsTest, OtherJsonIsNoObject) {
  for (const char* text : {"[]", "1", "\"{}\"", "null", "[{}]"}) {
    EXPECT_THAT(fault_of(text, ErrorCode::kArgumentsNotObject), HasSubstr("must be a JSON object"));
  }
}

TEST(JsonArgumentsTest, TheFaultIsShownWithACaret) {
  EXPECT_EQ(fault_of("{\n  \"a\": 1,\n  \"b\": }\n}"),
            "the arguments are not valid JSON: line 3, column 8: unexpected '}'; expected '[', "
            "'{', or a literal\n"
            "    \"b\": }\n"
            "         ^");
}

TEST(JsonArgumentsTest, TheCaretStandsUnderTheCharacterNotTheByte) {
  const std::string message = fault_of("{\"äöü\" 1}");
  EXPECT_THAT(message, ::testing::EndsWith("\n  {\"äöü\" 1}\n         ^"));
}

TEST(JsonArgumentsTest, LongLinesAreCutAroundTheFault) {
  const std::string text =
      "{\"" + std::string(500, 'a') + "\": nope, \"" + std::string(500, 'b') + "\":1}";
  const std::string message = fault_of(text);
  EXPECT_THAT(message, HasSubstr("\n  ...aaa"));
  EXPECT_THAT(message, ::testing::ContainsRegex("b\\.\\.\\.\n"));
  EXPECT_LT(message.size(), 300u);
  EXPECT_NE(fault_of("{" + std::string(100, '\xc3')), "") << "broken UTF-8 cannot derail the cut";
}

TEST(JsonArgumentsTest, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_THAT(fault_of("{\"a\": \x1b[31m}"), Not(HasSubstr("\x1b")));
}

TEST(JsonArgumentsTest, TruncatedTrailingAndEmptyTextsAreFaults) {
  EXPECT_THAT(fault_of("{\"a\":1"), HasSubstr("unexpected end of input"));
  EXPECT_THAT(fault_of("{} {}"), HasSubstr("column 4"));
  EXPECT_NE(fault_of(""), "");
  EXPECT_NE(fault_of("{'a':1}"), "");
  EXPECT_NE(fault_of("{\"a\":1,}"), "");
  EXPECT_NE(fault_of("{/* no */}"), "");
  EXPECT_NE(fault_of(std::string_view("{}\0", 3)), "");
  EXPECT_NE(fault_of("{\"a\":NaN}"), "");
  EXPECT_NE(fault_of(std::string(1'000'000, '{')), "");
}

TEST(JsonArgumentsTest, GivenArgumentsAreCheckedAndKeptAsTheyAre) {
  const std::string text = "{ \"a\" :\n1 }";
  EXPECT_EQ(read_arguments(text).value(), text);
  EXPECT_FALSE(read_arguments("").has_value());
  EXPECT_FALSE(read_arguments("{").has_value());
}

class ReadToEndTest : public ::testing::Test {
 protected:
  ReadToEndTest() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

TEST_F(ReadToEndTest, ReadsMoreThanAPipeHolds) {
  const std::string text(1'000'000, 'x');
  std::thread writer([&] {
    std::string_view left = text;
    while (!left.empty()) {
      const ssize_t bytes = ::write(write_end.get(), left.data(), left.size());
      ASSERT_GT(bytes, 0);
      left.remove_prefix(static_cast<std::size_t>(bytes));
    }
    write_end.reset();
  });
  const auto read = read_to_end(read_end.get(), 2'000'000);
  writer.join();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, text);
}

TEST_F(ReadToEndTest, TheLimitHolds) {
  ASSERT_EQ(::write(write_end.get(), "12345", 5), 5);
  write_end.reset();
  const auto read = read_to_end(read_end.get(), 4);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kTooLarge);
}

TEST_F(ReadToEndTest, AClosedDescriptorIsAnError) { EXPECT_FALSE(read_to_end(-1, 10).has_value()); }

TEST(JsonArgumentsTest, NumbersThatNoDoubleHoldsAreJson) {
  EXPECT_EQ(fault_of(R"({"a":1e400,"b":[-2.5E+999],"c":"1e400"})"), "");
  EXPECT_THAT(fault_of(R"({"a":1e400,"b":01e})"), HasSubstr("line 1, column"));
  EXPECT_THAT(fault_of(R"({"a":1e400 2})"), HasSubstr("line 1, column 12"));
}

TEST(JsonArgumentsTest, WhatNestsTooDeeplyIsShown) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + "\"[[\"" + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(fault_of(nested(64)), "");
  EXPECT_THAT(fault_of(nested(65)), HasSubstr("line 1, column 69: more than 64 containers"));
}

}  // namespace
}  // namespace mcpwire::cli
