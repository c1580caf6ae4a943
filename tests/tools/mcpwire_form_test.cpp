// SPDX-License-Identifier: MIT
#include "tools/mcpwire/form.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::cli {
namespace {

class TypedLines final : public Lines {
 public:
  TypedLines(std::initializer_list<const char*> lines) : lines_(lines.begin(), lines.end()) {}
  std::optional<std::string> next() override {
    if (lines_.empty()) return std::nullopt;
    std::string line = lines_.front();
    lines_.pop_front();
    return line;
  }
  bool is_empty() const { return lines_.empty(); }

 private:
  std::deque<std::string> lines_;
};

/// The answer to a form with these properties.
std::string fill(std::string_view properties, std::string_view required,
                 std::initializer_list<const char*> lines) {
  std::FILE* const nowhere = std::fopen("/dev/null", "w");
  Output out(::fileno(nowhere));
  TypedLines typed(lines);
  const std::string params = R"({"message":"m","requestedSchema":{"type":"object","properties":{)" +
                             std::string(properties) + R"(},"required":[)" + std::string(required) +
                             "]}}";
  const std::string answer = ask_person(params, "demo", out, typed);
  EXPECT_TRUE(typed.is_empty()) << "asked too little";
  out.flush();
  std::fclose(nowhere);
  return answer;
}

std::string accepted(const std::string& content) {
  return R"({"action":"accept","content":)" + content + "}";
}

TEST(FormTest, FieldsBecomeValuesOfTheirTypes) {
  EXPECT_EQ(fill(R"("s":{"type":"string"},"i":{"type":"integer"},"n":{"type":"number"},)"
                 R"("b":{"type":"boolean"})",
                 R"("s")", {"it's \"x\"", "-3", "1.5", "yes", "y"}),
            accepted(R"({"s":"it's \"x\"","i":-3,"n":1.5,"b":true})"));
}

TEST(FormTest, WhatDoesNotFitIsAskedAgain) {
  EXPECT_EQ(fill(R"("i":{"type":"integer"},"e":{"type":"string","enum":["a","b"]})", R"("i")",
                 {"", "x", "1.5", "7", "c", "b", "maybe", "y"}),
            accepted(R"({"i":7,"e":"b"})"));
}

TEST(FormTest, EmptyLinesTakeTheDefaultOrLeaveTheFieldOut) {
  EXPECT_EQ(fill(R"("a":{"type":"string","default":"d"},"b":{"type":"string"})", "", {"", "", "y"}),
            accepted(R"({"a":"d"})"));
}

TEST(FormTest, ChoicesMayBeNamedByTheirTitlesAndSeveralByCommas) {
  EXPECT_EQ(fill(R"("one":{"type":"string","oneOf":[{"const":"r","title":"Red"}]},)"
                 R"("many":{"type":"array","items":{"anyOf":[{"const":"x","title":"X!"},)"
                 R"({"const":"y","title":"Y!"}]}},)"
                 R"("old":{"type":"string","enum":["1","2"],"enumNames":["eins","zwei"]})",
                 "", {"Red", "x, Y!", "zwei", "y"}),
            accepted(R"({"one":"r","many":["x","y"],"old":"2"})"));
}

TEST(FormTest, ThePersonMayDeclineOrCancel) {
  constexpr const char* kField = R"("s":{"type":"string"})";
  EXPECT_EQ(fill(kField, "", {"x", "n"}), R"({"action":"decline"})");
  EXPECT_EQ(fill(kField, "", {"x", "c"}), R"({"action":"cancel"})");
  EXPECT_EQ(fill(kField, "", {}), R"({"action":"cancel"})") << "the end of the input";
  EXPECT_EQ(fill(kField, "", {"x"}), R"({"action":"cancel"})");
}

TEST(FormTest, APageIsAgreedToAndNeverOpened) {
  Output out(2);
  TypedLines yes{"y"};
  EXPECT_EQ(ask_person(R"({"mode":"url","message":"m","url":"https://x"})", "demo", out, yes),
            R"({"action":"accept"})");
  TypedLines none{};
  EXPECT_EQ(ask_person("[]", "demo", out, none), R"({"action":"decline"})");
}

}  // namespace
}  // namespace mcpwire::cli
