// SPDX-License-Identifier: MIT
//
// The check of large texts beside the one of small ones: they refuse the same.
#include "protocol/json/detail/plain_check.hpp"

#include "protocol/json/value.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::protocol::json {
namespace {

using detail::check_plainly;

void expect_same(ValueReader& reader, const std::string& text) {
  const bool is_valid = reader.validate(text).has_value();
  const JsonFault fault = check_plainly(text);
  EXPECT_EQ(fault == JsonFault::kNone, is_valid)
      << text << ": " << json_fault_text(fault) << ", " << json_fault_text(reader.last_fault());
}

std::vector<std::string> seeds() {
  std::vector<std::string> texts = {
      "",
      " ",
      "{}",
      " [ ] ",
      "null",
      "nul",
      "-0.5e+7",
      "1e400",
      "01",
      "1.",
      "+1",
      R"({"a":[1,2,{"b":null}],"c":"\u00e9\n\"x","d":-1E9,"e":[true,false]})",
      R"({"a":1,})",
      "[1 2]",
      "[1]]",
      "{} {}",
      R"("\ud800")",
      R"("\x")",
      R"("\u12g4")",
      R"("\u12)",
      "\"a\tb\"",
      "\"open",
      "\"\xc3\xa9\xf0\x9f\x98\x80\"",
      "\"\xff\"",
      "\"\xed\xa0\x80\"",
      R"({1:2})",
      R"({"a" 1})",
      R"({"a":})",
      "[,]",
      "tru e",
      R"({"a":"b" "c":1})",
      std::string("[\0]", 3)};
  for (const std::size_t depth : {kDepthMax - 1, kDepthMax, kDepthMax + 1}) {
    texts.push_back(std::string(depth, '[') + std::string(depth, ']'));
    std::string objects;
    for (std::size_t i = 0; i < depth; ++i) objects += R"({"a":)";
    texts.push_back(objects + "1" + std::string(depth, '}'));
  }
  for (const auto& entry : std::filesystem::directory_iterator(MCPWIRE_ENVELOPE_CORPUS)) {
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    texts.push_back(text.str());
  }
  return texts;
}

TEST(PlainCheckTest, RefusesWhatTheIndexRefuses) {
  ValueReader reader;
  for (const std::string& text : seeds()) expect_same(reader, text);
}

TEST(PlainCheckTest, EverySmallDamageIsSeenAlike) {
  constexpr std::string_view kBytes = "{}[]\",:\\ \n\t0-1.eE+u\x01\x7f\xc3\xa9\xff";
  ValueReader reader;
  std::mt19937 random(20261120);
  for (const std::string& text : seeds()) {
    if (text.empty() || text.size() > 4096) continue;
    for (int round = 0; round < 200; ++round) {
      std::string damaged = text;
      const std::size_t at = random() % damaged.size();
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 3) {
        case 0:
          damaged[at] = byte;
          break;
        case 1:
          damaged.insert(at, 1, byte);
          break;
        default:
          damaged.erase(at, 1);
      }
      expect_same(reader, damaged);
    }
  }
}

TEST(PlainCheckTest, TellsWhichRuleWasBroken) {
  EXPECT_EQ(check_plainly("\"\xff\""), JsonFault::kEncoding);
  EXPECT_EQ(check_plainly(std::string(kDepthMax + 1, '[')), JsonFault::kDepth);
  EXPECT_EQ(check_plainly("\"abc"), JsonFault::kUnclosedString);
  EXPECT_EQ(check_plainly("\"a\x01\""), JsonFault::kControlCharacter);
  EXPECT_EQ(check_plainly("{} {}"), JsonFault::kTrailing);
  EXPECT_EQ(check_plainly(" "), JsonFault::kEmpty);
}

}  // namespace
}  // namespace mcpwire::protocol::json
