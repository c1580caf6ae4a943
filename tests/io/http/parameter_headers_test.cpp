// SPDX-License-Identifier: MIT
#include "io/http/parameter_headers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {
namespace {

using Lines = std::vector<std::string>;

std::string schema_of(std::string_view properties) {
  return R"({"type":"object","properties":{)" + std::string(properties) + "}}";
}

Lines lines_of(std::string_view properties, std::string_view arguments) {
  const auto headers = read_parameter_headers(schema_of(properties));
  EXPECT_TRUE(headers.has_value());
  return parameter_header_lines(*headers, arguments);
}

TEST(ParameterHeadersTest, SendsStringsIntegersAndBooleans) {
  const std::string_view properties =
      R"("a":{"type":"string","x-mcp-header":"Region"},"b":{"type":"integer","x-mcp-header":"Limit"},)"
      R"("c":{"type":"boolean","x-mcp-header":"Dry"},"d":{"type":"string"})";
  EXPECT_EQ(lines_of(properties, R"({"a":"us","b":-42,"c":false,"d":"x"})"),
            (Lines{"Mcp-Param-Region: us", "Mcp-Param-Limit: -42", "Mcp-Param-Dry: false"}));
  EXPECT_EQ(lines_of(properties, R"({"b":42.0,"c":true})"),
            (Lines{"Mcp-Param-Limit: 42", "Mcp-Param-Dry: true"}));
}

TEST(ParameterHeadersTest, LeavesOutWhatIsAbsentNullOrOfAnotherType) {
  const std::string_view properties =
      R"("a":{"type":"string","x-mcp-header":"A"},"b":{"type":"integer","x-mcp-header":"B"})";
  EXPECT_EQ(lines_of(properties, "{}"), Lines{});
  EXPECT_EQ(lines_of(properties, R"({"a":null,"b":null})"), Lines{});
  EXPECT_EQ(lines_of(properties, R"({"a":1,"b":"1"})"), Lines{});
  EXPECT_EQ(lines_of(properties, R"({"b":1.5})"), Lines{});
  EXPECT_EQ(lines_of(properties, R"({"b":9007199254740993})"), Lines{});
  EXPECT_EQ(lines_of(properties, R"({"b":9007199254740991})"),
            Lines{"Mcp-Param-B: 9007199254740991"});
}

TEST(ParameterHeadersTest, AnEmptyStringIsSentAsAnEmptyHeader) {
  EXPECT_EQ(lines_of(R"("a":{"type":"string","x-mcp-header":"A"})", R"({"a":""})"),
            Lines{"Mcp-Param-A;"});
}

TEST(ParameterHeadersTest, FindsMarksInsideNestedObjects) {
  EXPECT_EQ(lines_of(R"("o":{"type":"object","properties":{"p":{"type":"string",)"
                     R"("x-mcp-header":"P"}}})",
                     R"({"o":{"p":"deep"},"p":"flat"})"),
            Lines{"Mcp-Param-P: deep"});
}

TEST(ParameterHeadersTest, APropertyMayBeCalledLikeTheMark) {
  EXPECT_TRUE(read_parameter_headers(schema_of(R"("x-mcp-header":{"type":"string"})")).has_value());
}

TEST(ParameterHeadersTest, DataIsNoSchema) {
  EXPECT_TRUE(read_parameter_headers(
                  schema_of(R"("a":{"type":"object","default":{"x-mcp-header":""},)"
                            R"("enum":[{"x-mcp-header":""}],"examples":[{"x-mcp-header":1}]})"))
                  .has_value());
}

class InvalidMarkTest : public testing::TestWithParam<const char*> {};

TEST_P(InvalidMarkTest, IsRefused) {
  EXPECT_FALSE(read_parameter_headers(GetParam()).has_value()) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(
    All, InvalidMarkTest,
    testing::Values(
        R"({"properties":{"a":{"type":"string","x-mcp-header":""}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":"two words"}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":"a:b"}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":"caf\u00e9"}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":"a\r\nb"}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":7}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":null}}})",
        R"({"properties":{"a":{"type":"number","x-mcp-header":"A"}}})",
        R"({"properties":{"a":{"type":"object","x-mcp-header":"A"}}})",
        R"({"properties":{"a":{"type":"array","x-mcp-header":"A"}}})",
        R"({"properties":{"a":{"type":"null","x-mcp-header":"A"}}})",
        R"({"properties":{"a":{"type":["string","null"],"x-mcp-header":"A"}}})",
        R"({"properties":{"a":{"x-mcp-header":"A"}}})",
        R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},)"
        R"("b":{"type":"string","x-mcp-header":"a"}}})",
        R"({"type":"string","x-mcp-header":"A"})",
        R"({"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}})",
        R"({"properties":{"a":{"type":"array","prefixItems":[{"type":"string","x-mcp-header":"A"}]}}})",
        R"({"oneOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]})",
        R"({"anyOf":[{"type":"string","x-mcp-header":"A"}]})",
        R"({"allOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]})",
        R"({"not":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}})",
        R"({"if":{},"then":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}})",
        R"({"if":{},"else":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}})",
        R"({"$defs":{"a":{"type":"string","x-mcp-header":"A"}},)"
        R"("properties":{"a":{"$ref":"#/$defs/a"}}})",
        R"({"patternProperties":{"^a":{"type":"string","x-mcp-header":"A"}}})",
        R"({"additionalProperties":{"type":"string","x-mcp-header":"A"}})"));

TEST(FilterToolsTest, LeavesOutToolsWithInvalidMarksAndKeepsTheRestByteForByte) {
  const std::string page =
      R"({"ttlMs":1.50,"tools":[{"name":"good","n":1e2,"inputSchema":{"properties":)"
      R"({"a":{"type":"string","x-mcp-header":"A"}}}},)"
      R"({"name":"bad","inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}},)"
      R"({"name":"plain","inputSchema":{}}],"nextCursor":"c"})";
  protocol::json::ValueReader reader;
  ToolHeaders known;
  const FilteredTools filtered = filter_tools(reader, page, known);
  EXPECT_EQ(filtered.dropped, 1U);
  EXPECT_EQ(filtered.result,
            R"({"ttlMs":1.50,"tools":[{"name":"good","n":1e2,"inputSchema":{"properties":)"
            R"({"a":{"type":"string","x-mcp-header":"A"}}}},)"
            R"({"name":"plain","inputSchema":{}}],"nextCursor":"c"})");
  ASSERT_TRUE(known.contains("good"));
  EXPECT_EQ(known["good"].size(), 1U);
  EXPECT_FALSE(known.contains("bad"));
}

TEST(FilterToolsTest, APageWithoutInvalidMarksIsNotTouched) {
  protocol::json::ValueReader reader;
  ToolHeaders known;
  EXPECT_EQ(filter_tools(reader, R"({"tools":[{"name":"a"}]})", known).result, "");
  EXPECT_EQ(filter_tools(reader, R"({"x-mcp-header":1})", known).result, "");
}

TEST(FilterToolsTest, AMarkWrittenWithEscapesIsSeen) {
  protocol::json::ValueReader reader;
  ToolHeaders known;
  const std::string page = R"({"tools":[{"name":"bad","inputSchema":{"x-mcp-\u0068eader":"A"}}]})";
  EXPECT_EQ(filter_tools(reader, page, known).dropped, 1U);
}

}  // namespace
}  // namespace mcpwire::io
