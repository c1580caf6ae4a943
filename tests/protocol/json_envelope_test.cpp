// SPDX-License-Identifier: MIT
#include "protocol/json/envelope.hpp"

#include "tests/protocol/json_envelope_support.hpp"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

namespace mcpwire::protocol::json {
namespace {

TEST(EnvelopeParserTest, ReadsARequestAsRawSpans) {
  EnvelopeParser parser;
  const Envelope envelope =
      parsed(parser,
             R"({"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"echo","a":[1]}})");
  EXPECT_EQ(envelope.kind, MessageKind::kRequest);
  EXPECT_EQ(envelope.id, "17");
  EXPECT_EQ(envelope.method, "tools/call");
  EXPECT_EQ(envelope.params, R"({"name":"echo","a":[1]})");
  EXPECT_TRUE(envelope.result.empty());
  EXPECT_TRUE(envelope.error.empty());
}

TEST(EnvelopeParserTest, TellsTheFourKindsApart) {
  EnvelopeParser parser;
  EXPECT_EQ(parsed(parser, R"({"jsonrpc":"2.0","id":"a","method":"ping"})").kind,
            MessageKind::kRequest);
  EXPECT_EQ(parsed(parser, R"({"jsonrpc":"2.0","method":"notifications/initialized"})").kind,
            MessageKind::kNotification);
  EXPECT_EQ(parsed(parser, R"({"jsonrpc":"2.0","id":1,"result":{}})").kind, MessageKind::kResult);
  EXPECT_EQ(parsed(parser, R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":""}})").kind,
            MessageKind::kError);
}

TEST(EnvelopeParserTest, KeepsTheIdTokenAsItWasWritten) {
  EnvelopeParser parser;
  for (const std::string_view id :
       {"0", "-1", "\"17\"", "\"\"", "\"a\\\"b\"", "123456789012345678901234567890"}) {
    const std::string line = R"({"jsonrpc":"2.0","id": )" + std::string(id) + R"( ,"method":"m"})";
    EXPECT_EQ(parsed(parser, line).id, id);
  }
}

TEST(EnvelopeParserTest, TakesKeysInAnyOrderWithWhitespaceAnywhere) {
  EnvelopeParser parser;
  const Envelope envelope = parsed(parser,
                                   " {\t\"params\" : [ 1 , 2 ] ,\r\n\"method\" : \"m\" , \"id\" : "
                                   "1 , \"jsonrpc\" : \"2.0\" } \r\n");
  EXPECT_EQ(envelope.params, "[ 1 , 2 ]");
  EXPECT_EQ(envelope.method, "m");
  EXPECT_EQ(envelope.id, "1");
}

TEST(EnvelopeParserTest, TakesAnyJsonValueAsAResult) {
  EnvelopeParser parser;
  for (const std::string_view value :
       {"{}", "[]", "\"x\"", "0", "-1.5e+3", "true", "false", "null", "[[],{}]", "1E400",
        "\"\\ud800\"", "{\"a\":{\"a\":1,\"a\":2}}"}) {
    EXPECT_EQ(parsed(parser, with_result(value)).result, value);
  }
}

TEST(EnvelopeParserTest, DecodesAMethodWrittenWithEscapes) {
  EnvelopeParser parser;
  EXPECT_EQ(parsed(parser, R"({"jsonrpc":"2.0","method":"notifications\/mess\u0061ge"})").method,
            "notifications/message");
}

TEST(EnvelopeParserTest, SkipsAByteOrderMark) {
  EXPECT_EQ(fault_of("\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"method\":\"m\"}"), JsonFault::kNone);
}

TEST(EnvelopeParserTest, IgnoresUnknownTopLevelKeysEvenTwice) {
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m","x":1,"x":2})"), JsonFault::kNone);
}

TEST(EnvelopeParserTest, RefusesABatchWithAnErrorOfItsOwn) {
  EnvelopeParser parser;
  const Result<Envelope> envelope = parser.parse(R"([{"jsonrpc":"2.0","method":"m"}])");
  ASSERT_FALSE(envelope.has_value());
  EXPECT_EQ(envelope.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(envelope.error().code, ErrorCode::kMalformedJson);
  EXPECT_EQ(parser.last_fault(), JsonFault::kBatch);
}

TEST(EnvelopeParserTest, RefusesJunkAsInvalid) {
  EnvelopeParser parser;
  const Result<Envelope> envelope = parser.parse("Starting server on stdio...");
  ASSERT_FALSE(envelope.has_value());
  EXPECT_EQ(envelope.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(envelope.error().code, ErrorCode::kMalformedJson);
}

TEST(EnvelopeParserTest, TellsJsonThatIsNoEnvelopeFromWhatIsNoJson) {
  EXPECT_EQ(fault_of("Starting server on stdio..."), JsonFault::kScalar);
  EXPECT_EQ(fault_of("1 2"), JsonFault::kTrailing);
  EXPECT_EQ(fault_of(": "), JsonFault::kGrammar);
  for (const std::string_view line : {"1", "\"x\"", "null"}) {
    EXPECT_EQ(fault_of(line), JsonFault::kNotObject);
    EXPECT_TRUE(is_envelope_fault(JsonFault::kNotObject));
  }
}

TEST(EnvelopeParserTest, RefusesTextThatHoldsNoValue) {
  for (const std::string_view line : {"", " ", "\r", "\t \n"}) {
    EXPECT_EQ(fault_of(line), JsonFault::kEmpty);
  }
}

TEST(EnvelopeParserTest, RefusesWrongBracketsCommasAndColons) {
  for (const std::string_view value : {"[1,2}",     "{\"a\":1]",
                                       "[",         "{",
                                       "[1",        "[1,]",
                                       "[,1]",      "{\"a\"}",
                                       "{\"a\":}",  "{\"a\":1,}",
                                       "{1:2}",     "{\"a\" 1}",
                                       "[1 2]",     "{,}",
                                       "[1}",       "]",
                                       "}",         ",",
                                       ":",         "",
                                       "1 2",       "\"a\"\"b\"",
                                       "\"a\"b",    "[\"a\":1]",
                                       "{\"a\",1}", "{\"a\":1 \"b\":2}",
                                       "\x0c",      "\x1a"}) {
    const JsonFault fault = fault_of(with_result(value));
    EXPECT_TRUE(fault == JsonFault::kGrammar || fault == JsonFault::kTrailing ||
                fault == JsonFault::kScalar)
        << value << ": " << json_fault_text(fault);
  }
}

TEST(EnvelopeParserTest, RefusesMalformedNumbersAndLiterals) {
  for (const std::string_view value :
       {"01",  "-01",  "00",  "-",        "+1",        ".5",     "1.",    "1.e3",      "1e",
        "1e+", "0x10", "1a",  "--1",      "1-2",       "tru",    "truee", "True",      "fals",
        "nul", "nulL", "NaN", "Infinity", "true\"x\"", "1\"x\"", "'x'",   "undefined", "\x01"}) {
    EXPECT_EQ(fault_of(with_result(value)), JsonFault::kScalar) << value;
    EXPECT_EQ(fault_of(with_result("[" + std::string(value) + "]")), JsonFault::kScalar) << value;
  }
}

TEST(EnvelopeParserTest, RefusesInvalidEscapesWhereverTheyStand) {
  for (const std::string_view text : {"\\x", "\\u12", "\\u12g4", "\\U0041", "\\ ", "\\u", "\\'"}) {
    for (std::size_t padding = 0; padding < 70; ++padding) {
      const std::string value = '"' + std::string(padding, 'a') + std::string(text) + '"';
      EXPECT_EQ(fault_of(with_result(value)), JsonFault::kEscape) << value;
    }
  }
}

TEST(EnvelopeParserTest, TakesEveryValidEscapeWhereverItStands) {
  EnvelopeParser parser;
  for (std::size_t padding = 0; padding < 70; ++padding) {
    const std::string value =
        '"' + std::string(padding, 'a') + R"(\\\"\/\b\f\n\r\t\u00e9\uD83D\uDE00\\\\\\u)" + '"';
    EXPECT_EQ(parsed(parser, with_result(value)).result, value);
  }
}

TEST(EnvelopeParserTest, RefusesABackslashOutsideStrings) {
  EXPECT_NE(fault_of(with_result("\\n")), JsonFault::kNone);
  EXPECT_NE(fault_of(with_result("{\"a\":1}\\")), JsonFault::kNone);
}

TEST(EnvelopeParserTest, RefusesControlCharactersUnclosedStringsAndBadUtf8) {
  EXPECT_EQ(fault_of(with_result("\"a\nb\"")), JsonFault::kControlCharacter);
  EXPECT_EQ(fault_of(with_result(std::string_view("\"a\0b\"", 5))), JsonFault::kControlCharacter);
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m)"), JsonFault::kUnclosedString);
  for (const std::string_view bytes :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf5\x80\x80\x80"}) {
    EXPECT_EQ(fault_of(with_result('"' + std::string(bytes) + '"')), JsonFault::kEncoding);
  }
}

TEST(EnvelopeParserTest, NestsSixtyFourContainersAndNoMore) {
  const auto nested = [](std::size_t depth) {
    return with_result(std::string(depth, '[') + std::string(depth, ']'));
  };
  // The envelope itself is the first.
  EXPECT_EQ(fault_of(nested(kDepthMax - 1)), JsonFault::kNone);
  EXPECT_EQ(fault_of(nested(kDepthMax)), JsonFault::kDepth);
  EXPECT_EQ(fault_of(nested(100'000)), JsonFault::kDepth);
}

TEST(EnvelopeParserTest, RemembersBracketKindsAtEveryDepth) {
  for (std::size_t wrong = 0; wrong < kDepthMax - 1; ++wrong) {
    std::string closing(kDepthMax - 1, ']');
    closing[wrong] = '}';
    EXPECT_EQ(fault_of(with_result(std::string(kDepthMax - 1, '[') + closing)),
              JsonFault::kGrammar);
  }
}

TEST(EnvelopeParserTest, RefusesATrailingDocument) {
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m"}{})"), JsonFault::kTrailing);
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m"} 1)"), JsonFault::kTrailing);
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m"}})"), JsonFault::kTrailing);
}

TEST(EnvelopeParserTest, RefusesDuplicateEnvelopeKeys) {
  for (const std::string_view key : {"jsonrpc", "id", "method", "params", "result", "error"}) {
    const std::string member = '"' + std::string(key) + "\":\"2.0\"";
    EXPECT_EQ(fault_of("{" + member + "," + member + "}"), JsonFault::kDuplicateKey) << key;
  }
}

TEST(EnvelopeParserTest, RefusesTopLevelKeysWithABackslash) {
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m","\u0069d":1})"), JsonFault::kEscapedKey);
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m","x\/y":1})"), JsonFault::kEscapedKey);
}

TEST(EnvelopeParserTest, RefusesOtherVersions) {
  EXPECT_EQ(fault_of(R"({"id":1,"method":"m"})"), JsonFault::kVersion);
  EXPECT_EQ(fault_of(R"({"jsonrpc":"1.0","id":1,"method":"m"})"), JsonFault::kVersion);
  EXPECT_EQ(fault_of(R"({"jsonrpc":2.0,"id":1,"method":"m"})"), JsonFault::kVersion);
  EXPECT_EQ(fault_of("{}"), JsonFault::kVersion);
}

TEST(EnvelopeParserTest, RefusesIdsThatAreNeitherStringNorInteger) {
  for (const std::string_view id : {"1.0", "1e3", "true", "null", "{}", "[1]", "-0.5"}) {
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m","id":)" + std::string(id) + "}"),
              JsonFault::kId)
        << id;
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","result":1,"id":)" + std::string(id) + "}"),
              JsonFault::kId)
        << id;
  }
}

TEST(EnvelopeParserTest, TakesAnErrorWithoutIdOrWithNull) {
  EnvelopeParser parser;
  for (const std::string_view line :
       {R"({"jsonrpc":"2.0","error":{}})", R"({"jsonrpc":"2.0","id":null,"error":{}})"}) {
    const Envelope envelope = parsed(parser, line);
    EXPECT_EQ(envelope.kind, MessageKind::kError);
    EXPECT_TRUE(envelope.id.empty());
  }
}

TEST(EnvelopeParserTest, RefusesAResultWithoutAnId) {
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","result":{}})"), JsonFault::kId);
}

TEST(EnvelopeParserTest, RefusesMixturesOfCallAndAnswer) {
  for (const std::string_view line :
       {R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","result":1})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","error":{}})",
        R"({"jsonrpc":"2.0","id":1,"error":null})", R"({"jsonrpc":"2.0","id":1,"error":"no"})"}) {
    EXPECT_EQ(fault_of(line), JsonFault::kResponse) << line;
  }
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","id":1,"result":1,"params":{}})"), JsonFault::kParams);
}

TEST(EnvelopeParserTest, RefusesParamsAndMethodsOfTheWrongType) {
  for (const std::string_view params : {"1", "\"x\"", "null", "true"}) {
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"m","params":)" + std::string(params) + "}"),
              JsonFault::kParams);
  }
  EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":1})"), JsonFault::kMethod);
}

TEST(EnvelopeParserTest, ReadsAfterARefusal) {
  EnvelopeParser parser;
  EXPECT_FALSE(parser.parse("{").has_value());
  EXPECT_EQ(parsed(parser, with_result("7")).result, "7");
  EXPECT_EQ(parser.last_fault(), JsonFault::kNone);
}

}  // namespace
}  // namespace mcpwire::protocol::json
