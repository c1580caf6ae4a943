// SPDX-License-Identifier: MIT
//
// Lines over EnvelopeParser::kFullValidationBytesMax.
#include "protocol/json/envelope.hpp"

#include "tests/protocol/json_envelope_support.hpp"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

namespace mcpwire::protocol::json {
namespace {

/// `value` as the result of a line that is long enough for span mode.
std::string with_long_result(std::string_view value) {
  std::string filler(EnvelopeParser::kFullValidationBytesMax, ' ');
  return with_result(std::string(value) + filler);
}

TEST(EnvelopeParserSpanModeTest, StillHoldsTheEnvelopeBracketsAndUtf8) {
  EXPECT_EQ(fault_of(with_long_result("{\"a\":[1,2]}")), JsonFault::kNone);
  EXPECT_EQ(fault_of(with_long_result("{\"a\":[1,2}]")), JsonFault::kGrammar);
  EXPECT_EQ(fault_of(with_long_result("[")), JsonFault::kGrammar);
  EXPECT_EQ(fault_of(with_long_result("\"\xff\"")), JsonFault::kEncoding);
  EXPECT_EQ(fault_of(with_long_result("\"a\nb\"")), JsonFault::kControlCharacter);
  EXPECT_EQ(fault_of(with_long_result("1}{")), JsonFault::kTrailing);
  EXPECT_EQ(fault_of(with_long_result(std::string(kDepthMax, '[') + std::string(kDepthMax, ']'))),
            JsonFault::kDepth);
  EXPECT_EQ(fault_of(with_long_result("1,\"id\":2")), JsonFault::kDuplicateKey);
  EXPECT_EQ(fault_of(with_long_result("1 2")), JsonFault::kGrammar);
}

TEST(EnvelopeParserSpanModeTest, HoldsIdAndMethodToTheFullRules) {
  const std::string filler(EnvelopeParser::kFullValidationBytesMax, ' ');
  const auto call = [&](std::string_view id, std::string_view method) {
    return R"({"jsonrpc":"2.0","id":)" + std::string(id) + filler + R"(,"method":)" +
           std::string(method) + "}";
  };
  EXPECT_EQ(fault_of(call(R"("\\")", R"("a\/b")")), JsonFault::kNone);
  EXPECT_EQ(fault_of(call(R"("\x")", R"("m")")), JsonFault::kEscape);
  EXPECT_EQ(fault_of(call("01", R"("m")")), JsonFault::kId);
  EXPECT_EQ(fault_of(call("1", R"("\x")")), JsonFault::kMethod);
  EXPECT_EQ(fault_of(call("1", "tru")), JsonFault::kMethod);
}

TEST(EnvelopeParserSpanModeTest, PassesWhatItDoesNotPromiseToCheck) {
  EXPECT_EQ(fault_of(with_long_result("[1,,01,tru,\"\\x\"]")), JsonFault::kNone);
}

TEST(EnvelopeParserSpanModeTest, AgreesWithFullModeOnSpans) {
  EnvelopeParser parser;
  const std::string line = with_long_result("{\"a\":[1,\"}\"]}");
  EXPECT_EQ(parsed(parser, line).result, "{\"a\":[1,\"}\"]}");
  EXPECT_EQ(parsed(parser, with_result("1")).result, "1") << "the parser is usable afterwards";
}

}  // namespace
}  // namespace mcpwire::protocol::json
