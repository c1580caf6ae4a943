// SPDX-License-Identifier: MIT
#include "tools/mcpwire/render_result.hpp"
#include "tools/mcpwire/render_tools.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mcpwire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTools = R"([
  {"name":"search","title":"Search","description":"\n  Finds things.\nIn many places.",
   "inputSchema":{"type":"object","required":["query"],"properties":{
     "query":{"type":"string","description":"What to\nlook for","minLength":1},
     "limit":{"type":"integer","default":10,"minimum":1,"maximum":50},
     "mode":{"enum":["fast","deep"]},
     "tags":{"type":"array","items":{"type":"string"}},
     "where":{"type":"object","required":["path"],"properties":{
        "path":{"type":["string","null"]},"deep":{"type":"boolean"}}},
     "rules":{"type":"array","items":{"type":"object","properties":{"id":{"$ref":"#/$defs/Id"}}}},
     "either":{"anyOf":[{"type":"string"},{"type":"number"}]}}},
   "annotations":{"readOnlyHint":true,"title":"x"},
   "outputSchema":{"type":"object","properties":{"hits":{"type":"integer"}}}},
  {"name":"ping","inputSchema":{"type":"object"}},
  {"description":"no name"}, 7])";

std::string described(std::string_view name) {
  const auto tool = find_tool(kTools, name);
  EXPECT_TRUE(tool.has_value() && tool->has_value());
  return describe_tool("srv", **tool).value();
}

TEST(RenderToolsTest, LinesHoldNameSignatureAndFirstLine) {
  const auto lines = tool_lines(kTools);
  ASSERT_TRUE(lines.has_value());
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].name, "search");
  EXPECT_EQ((*lines)[0].summary, "Finds things.");
  EXPECT_EQ((*lines)[0].signature,
            "(query: string, limit?: integer, mode?: \"fast\" | \"deep\", tags?: array of string, "
            "where?: object, rules?: array of object, either?: string | number)");
  EXPECT_EQ((*lines)[1].signature, "()");
  EXPECT_EQ((*lines)[1].summary, "");
}

TEST(RenderToolsTest, FindsAToolByItsExactName) {
  EXPECT_TRUE(find_tool(kTools, "ping").value().has_value());
  EXPECT_FALSE(find_tool(kTools, "Ping").value().has_value());
  EXPECT_FALSE(find_tool(kTools, "").value().has_value());
}

TEST(RenderToolsTest, WhatIsNoListOfToolsIsAnError) {
  for (const char* text : {"", "{}", "[", "null"}) {
    EXPECT_FALSE(tool_lines(text).has_value());
    EXPECT_FALSE(find_tool(text, "x").has_value());
  }
  EXPECT_FALSE(describe_tool("s", "[]").has_value());
}

TEST(RenderToolsTest, ADescriptionShowsTypesLimitsAndNestedParameters) {
  const std::string text = described("search");
  EXPECT_THAT(text, HasSubstr("srv/search  Search\n"));
  EXPECT_THAT(text, HasSubstr("  query  string, required, minLength 1\n      What to\n"
                              "      look for\n"));
  EXPECT_THAT(text, HasSubstr("  limit  integer, optional, minimum 1, maximum 50, default 10\n"));
  EXPECT_THAT(text, HasSubstr("  mode  \"fast\" | \"deep\", optional\n"));
  EXPECT_THAT(text, HasSubstr("  tags  array of string, optional\n"));
  EXPECT_THAT(text, HasSubstr("  where.path  string | null, required\n"));
  EXPECT_THAT(text, HasSubstr("  where.deep  boolean, optional\n"));
  EXPECT_THAT(text, HasSubstr("  rules[].id  Id, optional\n"));
  EXPECT_THAT(text, HasSubstr("  either  string | number, optional\n"));
  EXPECT_THAT(text, HasSubstr("  readOnlyHint: true\n"));
  EXPECT_THAT(text, HasSubstr("Structured result\n  hits  integer, optional\n"));
  EXPECT_THAT(text, HasSubstr("  mcpwire call srv/search '{\"query\":\"text\"}'\n"));
}

TEST(RenderToolsTest, AToolWithoutParametersSaysSo) {
  EXPECT_THAT(described("ping"), HasSubstr("\nNo parameters\n"));
  EXPECT_THAT(described("ping"), HasSubstr("mcpwire call srv/ping '{}'\n"));
}

TEST(RenderToolsTest, TheExampleCanBePastedIntoAShell) {
  const std::string text =
      describe_tool("s", R"({"name":"a b;c","inputSchema":{"type":"object","required":["x"],
        "properties":{"x":{"type":"string","default":"it's"}}}})")
          .value();
  EXPECT_THAT(text, HasSubstr(R"(mcpwire call 's/a b;c' '{"x":"it'\''s"}')"));
}

TEST(RenderToolsTest, SchemasOfAnyShapeAreSurvived) {
  for (const char* schema :
       {"null", "true", "[]", "7", R"({"properties":[]})", R"({"properties":{"a":null}})",
        R"({"properties":{"a":{"type":{},"enum":{},"items":[]}},"required":{}})",
        R"({"type":"object","required":[7],"properties":{"a":{"default":null,"anyOf":[]}}})"}) {
    const std::string tool =
        R"({"name":"t","annotations":[],"inputSchema":)" + std::string(schema) + "}";
    EXPECT_TRUE(describe_tool("s", tool).has_value()) << schema;
    EXPECT_TRUE(tool_lines("[" + tool + "]").has_value()) << schema;
  }
}

TEST(RenderToolsTest, DeepSchemasEndSomewhere) {
  std::string schema = R"({"type":"string"})";
  for (int i = 0; i < 2000; ++i) {
    schema = R"({"type":"object","required":["a"],"properties":{"a":)" + schema + "}}";
  }
  const auto text = describe_tool("s", R"({"name":"t","inputSchema":)" + schema + "}");
  ASSERT_TRUE(text.has_value());
  EXPECT_LT(text->size(), 1000u);
}

TEST(RenderToolsTest, NamesCannotLeaveTheirLine) {
  const std::string text =
      describe_tool("s", R"({"name":"a\nb","inputSchema":{"properties":{"c\nd":{}}}})").value();
  EXPECT_THAT(text, HasSubstr("s/a\\nb\n"));
  EXPECT_THAT(text, HasSubstr("  c\\nd  any"));
}

TEST(ShortenTest, CountsCharactersAndMarksTheCut) {
  EXPECT_EQ(shorten("abcdef", 0), "abcdef");
  EXPECT_EQ(shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(shorten("abcdef", 4), "abc…");
  EXPECT_EQ(shorten("äöüß", 3), "äö…");
}

TEST(RenderResultTest, TextBlocksAreLines) {
  const auto rendered =
      render_result(R"({"content":[{"type":"text","text":"one"},{"type":"text","text":"two\n"}]})");
  ASSERT_TRUE(rendered.has_value());
  EXPECT_EQ(rendered->text, "one\ntwo\n");
  EXPECT_TRUE(rendered->notes.empty());
  EXPECT_EQ(rendered->verdict, ToolVerdict::kOk);
}

TEST(RenderResultTest, OtherBlocksAreNotes) {
  const auto rendered = render_result(R"({"content":[
      {"type":"image","mimeType":"image/png","data":"AAAAAAA="},
      {"type":"resource","resource":{"uri":"file:///a","text":"inside"}},
      {"type":"resource","resource":{"uri":"file:///b","blob":"AAAA","mimeType":"x/y"}},
      {"type":"resource_link","uri":"file:///c"}, {"type":"new"}, {}, 7]})");
  ASSERT_TRUE(rendered.has_value());
  EXPECT_EQ(rendered->text, "inside\n");
  EXPECT_THAT(rendered->notes,
              ElementsAre("image (image/png, 5 bytes)", "resource file:///b (x/y, 3 bytes)",
                          "link to the resource file:///c", "new (unknown type, 0 bytes)",
                          "content without a type (unknown type, 0 bytes)",
                          "content without a type (unknown type, 0 bytes)"));
}

TEST(RenderResultTest, StructuredContentStandsInForMissingContent) {
  EXPECT_EQ(render_result(R"({"structuredContent":{"b":1,"a":[2]}})")->text,
            "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}\n");
  EXPECT_EQ(render_result(R"({"content":[],"structuredContent":3})")->text, "3\n");
  EXPECT_EQ(
      render_result(R"({"content":[{"type":"text","text":"t"}],"structuredContent":3})")->text,
      "t\n");
  EXPECT_EQ(render_result("{}")->text, "");
}

TEST(RenderResultTest, TheToolsOwnErrorIsToldApart) {
  EXPECT_EQ(render_result(R"({"content":[],"isError":true})")->verdict, ToolVerdict::kError);
  EXPECT_EQ(render_result(R"({"content":[],"isError":false})")->verdict, ToolVerdict::kOk);
  EXPECT_EQ(render_result(R"({"content":[],"isError":"true"})")->verdict, ToolVerdict::kOk);
}

TEST(RenderResultTest, WhatIsNoResultIsAnError) {
  for (const char* text : {"", "[]", "{", "7"}) EXPECT_FALSE(render_result(text).has_value());
}

TEST(PeerErrorTest, ShowsMessageAndCode) {
  EXPECT_EQ(peer_error_text(R"({"code":-32602,"message":"bad","data":{"x":1}})"),
            "bad (code -32602)");
  EXPECT_EQ(peer_error_text(R"({"code":"x"})"), "the server answered with an error");
  EXPECT_EQ(peer_error_text("nonsense"), "the server answered with an error");
}

TEST(JsonStringTest, IsAlwaysValidJson) {
  EXPECT_EQ(json_string("a\"b\n\x1b"), "\"a\\\"b\\n\\u001b\"");
  EXPECT_EQ(json_string("\xff"), "\"\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace mcpwire::cli
