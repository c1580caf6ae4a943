// SPDX-License-Identifier: MIT
#include "protocol/json/value.hpp"

#include "tests/protocol/json_oracle.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::protocol::json {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ValueReaderTest, TellsTheKindOfEveryValue) {
  ValueReader reader;
  EXPECT_EQ(reader.validate("{}").value(), ValueKind::kObject);
  EXPECT_EQ(reader.validate(" [1] ").value(), ValueKind::kArray);
  EXPECT_EQ(reader.validate("\"x\"").value(), ValueKind::kString);
  EXPECT_EQ(reader.validate("\n-1.5").value(), ValueKind::kNumber);
  EXPECT_EQ(reader.validate("true").value(), ValueKind::kBoolean);
  EXPECT_EQ(reader.validate("false\r\n").value(), ValueKind::kBoolean);
  EXPECT_EQ(reader.validate("null").value(), ValueKind::kNull);
}

TEST(ValueReaderTest, RefusesBytesBehindTheValue) {
  ValueReader reader;
  for (const std::string_view text : {"{} {}", "1 2", "{}x", "[]]", "\"a\" \"b\"", "null,"}) {
    EXPECT_FALSE(reader.validate(text).has_value()) << text;
    EXPECT_EQ(reader.last_fault(), JsonFault::kTrailing) << text;
  }
}

TEST(ValueReaderTest, ValidatesInFullWhateverTheSize) {
  ValueReader reader;
  const std::string filler(detail::StructuralIndex::kKeptBytesMax, ' ');
  EXPECT_TRUE(reader.validate("[1," + filler + "2]").has_value());
  EXPECT_FALSE(reader.validate("[1,," + filler + "2]").has_value());
  EXPECT_FALSE(reader.validate("[\"\\x\"," + filler + "2]").has_value());
}

TEST(ValueReaderTest, ExtractsFirstLevelFieldsInOnePass) {
  ValueReader reader;
  const std::array<std::string_view, 3> names = {"name", "arguments", "absent"};
  std::array<std::string_view, 3> raw = {"stale", "stale", "stale"};
  ASSERT_TRUE(reader.extract_fields(
      R"( {"arguments" : {"name":"inner"} , "name":"echo","other":[{"absent":1}]} )", names, raw));
  EXPECT_THAT(raw, ElementsAre("\"echo\"", R"({"name":"inner"})", ""));
}

TEST(ValueReaderTest, TellsTheMembersOfAnObjectAsTheyAre) {
  ValueReader reader;
  const auto members = reader.members(R"({ "a\u0062" : [1, 2] ,"":{"a":1}, "a":null ,"a":1})");
  ASSERT_TRUE(members.has_value());
  std::vector<std::string_view> tokens;
  for (const Member& member : *members) {
    tokens.push_back(member.key);
    tokens.push_back(member.value);
  }
  EXPECT_THAT(tokens, ElementsAre(R"("a\u0062")", "[1, 2]", R"("")", R"({"a":1})", R"("a")", "null",
                                  R"("a")", "1"));
  EXPECT_TRUE(reader.members(" {} ")->empty());
  for (const char* text : {"[]", "{", R"({"a":})", R"({"a":1,})", R"({"a":1}})", "1"}) {
    EXPECT_FALSE(reader.members(text).has_value()) << text;
  }
}

TEST(ValueReaderTest, ComparesKeysAfterDecodingThem) {
  ValueReader reader;
  const std::array<std::string_view, 1> names = {"a/b"};
  std::array<std::string_view, 1> raw;
  ASSERT_TRUE(reader.extract_fields(R"({"\u0061\/b":1})", names, raw));
  EXPECT_THAT(raw, ElementsAre("1"));
}

TEST(ValueReaderTest, RefusesAFieldThatOccursTwice) {
  ValueReader reader;
  const std::array<std::string_view, 1> names = {"a"};
  std::array<std::string_view, 1> raw;
  EXPECT_FALSE(reader.extract_fields(R"({"a":1,"\u0061":2})", names, raw));
  EXPECT_EQ(reader.last_fault(), JsonFault::kDuplicateKey);
  EXPECT_TRUE(reader.extract_fields(R"({"a":1,"b":2,"b":3})", names, raw));
}

TEST(ValueReaderTest, RefusesFieldsOfWhatIsNoObject) {
  ValueReader reader;
  const std::array<std::string_view, 1> names = {"a"};
  std::array<std::string_view, 1> raw;
  EXPECT_FALSE(reader.extract_fields("[1]", names, raw));
  EXPECT_EQ(reader.last_fault(), JsonFault::kType);
  for (const std::string_view text :
       {"", "{", "{}}", "{\"a\":1,}", "{\"a\":tru}", "{\"a\":1} {}"}) {
    EXPECT_FALSE(reader.extract_fields(text, names, raw)) << text;
  }
}

TEST(ValueReaderTest, VisitsElementsInOrder) {
  ValueReader reader;
  std::vector<std::string> seen;
  ASSERT_TRUE(reader.for_each_element(R"([1, {"a":[2]} ,"x" , [] ])",
                                      [&](std::string_view raw) { seen.emplace_back(raw); }));
  EXPECT_THAT(seen, ElementsAre("1", R"({"a":[2]})", "\"x\"", "[]"));
}

TEST(ValueReaderTest, VisitsNothingOfAnEmptyOrBrokenArray) {
  ValueReader reader;
  std::vector<std::string> seen;
  const auto collect = [&](std::string_view raw) { seen.emplace_back(raw); };
  EXPECT_TRUE(reader.for_each_element(" [ ] ", collect));
  EXPECT_FALSE(reader.for_each_element("[1,2,]", collect));
  EXPECT_FALSE(reader.for_each_element("{}", collect));
  EXPECT_EQ(reader.last_fault(), JsonFault::kType);
  EXPECT_THAT(seen, IsEmpty());
}

TEST(ValueReaderTest, CallbackMayUseTheReader) {
  ValueReader reader;
  int kinds = 0;
  ASSERT_TRUE(reader.for_each_element("[{},[],1]", [&](std::string_view raw) {
    kinds += reader.validate(raw).has_value() ? 1 : 0;
  }));
  EXPECT_EQ(kinds, 3);
}

/// Texts that, cut up and recombined, reach most states of the grammar.
constexpr std::array kSeeds = {
    std::string_view(R"({"a":[1,-2.5e+3,true,false,null,"x\n\u00e9\"",{}],"b":{"c":[]}})"),
    std::string_view(R"([[[["deep"]]],{"k":{"k":{"k":0}}},"\ud800","\\\\",1E400,0.0])"),
    std::string_view(
        "{\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\":\"\xc3\xa9\", \"t\" : \"\\t\"}\r\n"),
    std::string_view(R"({"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"x":[1,2]}})"),
};
constexpr std::string_view kAlphabet = "{}[]:,\"\\ \n019-+.eEtrufalsn\x01\xc3\xa9\xff/bx";

std::string mutate(std::mt19937_64& random) {
  std::string text(kSeeds[random() % kSeeds.size()]);
  for (std::size_t edits = random() % 4; edits > 0; --edits) {
    const std::size_t at = random() % (text.size() + 1);
    const char letter = kAlphabet[random() % kAlphabet.size()];
    switch (random() % 4) {
      case 0:
        text.insert(at, 1, letter);
        break;
      case 1:
        if (at < text.size()) text.erase(at, 1 + random() % 3);
        break;
      case 2:
        if (at < text.size()) text[at] = letter;
        break;
      default: {
        const std::string_view other = kSeeds[random() % kSeeds.size()];
        text.insert(at, other.substr(random() % other.size(), random() % 9));
      }
    }
  }
  return text;
}

TEST(ValueReaderTest, AgreesWithAnotherParserOnRandomText) {
  const char* given = std::getenv("MCPWIRE_TEST_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  ValueReader reader;
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = mutate(random);
    const auto verdict = test::oracle_accepts(text);
    if (!verdict || test::depth_of(text) > kDepthMax) continue;
    const bool ours = reader.validate(text).has_value();
    accepted += ours ? 1 : 0;
    ASSERT_EQ(ours, *verdict) << "MCPWIRE_TEST_SEED=" << seed << " round " << round << ": " << text
                              << " (" << json_fault_text(reader.last_fault()) << ")";
  }
  EXPECT_GT(accepted, 1'000) << "the mutations no longer leave valid text";
}

}  // namespace
}  // namespace mcpwire::protocol::json
