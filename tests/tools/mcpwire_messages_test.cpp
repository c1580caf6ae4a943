// SPDX-License-Identifier: MIT
//
// The verbs of everything but tools: their command lines, and their results as text.
#include "tools/mcpwire/command_line.hpp"
#include "tools/mcpwire/render_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace mcpwire::cli {
namespace {

using ::testing::ElementsAre;

std::expected<CommandLine, CommandLineEnd> parse(std::initializer_list<const char*> arguments) {
  std::vector<const char*> all = {"mcpwire"};
  all.insert(all.end(), arguments);
  return parse_command_line(static_cast<int>(all.size()), all.data());
}

CommandLine parsed(std::initializer_list<const char*> arguments) {
  auto line = parse(arguments);
  EXPECT_TRUE(line.has_value()) << line.error().text;
  return line ? *line : CommandLine{};
}

TEST(MessageVerbsTest, ItemsAreNamedInBothForms) {
  for (const auto& line :
       {parsed({"read", "s/file:///a/b"}), parsed({"read", "s", "file:///a/b"})}) {
    EXPECT_EQ(line.command, Command::kRead);
    EXPECT_EQ(line.server, "s");
    EXPECT_EQ(line.tool, "file:///a/b");
  }
  for (const auto& line : {parsed({"prompt", "s/p", "{}"}), parsed({"prompt", "s", "p", "{}"})}) {
    EXPECT_EQ(line.tool, "p");
    EXPECT_EQ(line.arguments, "{}");
  }
  EXPECT_FALSE(parsed({"prompt", "s/p"}).arguments.has_value());
}

TEST(MessageVerbsTest, RequestAndListenTakeTheirs) {
  const CommandLine request =
      parsed({"request", "s", "tools/list", "{}", "--all-pages", "--progress", "--no-input"});
  EXPECT_EQ(request.server, "s");
  EXPECT_EQ(request.tool, "tools/list");
  EXPECT_EQ(request.arguments, "{}");
  EXPECT_TRUE(request.wants_all_pages);
  EXPECT_EQ(request.progress, Progress::kShow);
  EXPECT_EQ(request.input, Input::kNever);
  const CommandLine listen = parsed({"listen", "s", "--uri", "a", "--uri", "b", "--json"});
  EXPECT_EQ(listen.server, "s");
  EXPECT_THAT(listen.uris, ElementsAre("a", "b"));
  EXPECT_EQ(parsed({"listen"}).server, "");
  const CommandLine complete = parsed({"complete", "s/p", "name", "A", "--template"});
  EXPECT_EQ(complete.argument, "name");
  EXPECT_EQ(complete.value, "A");
  EXPECT_TRUE(complete.is_template);
}

TEST(MessageVerbsTest, WhatIsMissingOrTooMuchIsRefused) {
  for (const auto& line :
       {parse({"read"}), parse({"read", "s"}), parse({"read", "s/"}), parse({"read", "s/a", "b"}),
        parse({"prompt", "s/p", "{}", "x"}), parse({"complete", "s/p"}), parse({"request", "s"}),
        parse({"resources"}), parse({"templates", "s", "x"})}) {
    ASSERT_FALSE(line.has_value());
    EXPECT_EQ(line.error().exit_code, protocol::ExitCode::kUsage);
  }
}

TEST(RenderMessagesTest, BlobsAreDecoded) {
  const auto parts = resource_contents(
      R"({"contents":[{"text":"t"},{"blob":"AAH/","mimeType":"x/y"},{"blob":"YQ=="},{"blob":""}]})");
  ASSERT_TRUE(parts.has_value());
  ASSERT_EQ(parts->size(), 4U);
  EXPECT_EQ((*parts)[0].bytes, "t");
  EXPECT_EQ((*parts)[1].bytes, std::string("\0\1\xff", 3));
  EXPECT_EQ((*parts)[1].type, "x/y");
  EXPECT_EQ((*parts)[2].bytes, "a");
  EXPECT_EQ((*parts)[3].bytes, "");
  for (const char* result :
       {"{}", "[]", R"({"contents":[{"blob":"A"}]})", R"({"contents":[{"blob":"A?A="}]})"}) {
    EXPECT_FALSE(resource_contents(result).has_value()) << result;
  }
}

TEST(RenderMessagesTest, PromptsCompletionsAndNotificationsAreLines) {
  EXPECT_EQ(prompt_text(R"({"messages":[{"role":"user","content":{"type":"text","text":"a"}},)"
                        R"({"role":"assistant","content":{"type":"image","data":"AAAA"}}]})")
                .value(),
            "user: a\nassistant: (image (unknown type, 3 bytes))\n");
  EXPECT_EQ(completion_lines(R"({"completion":{"values":["a","b\nc"]}})").value(), "a\nb\n");
  EXPECT_EQ(progress_text(R"({"progress":1,"total":2,"message":"m"})"), "progress 1 of 2: m");
  EXPECT_EQ(progress_text(R"({"progress":0.5})"), "progress 0.5");
  EXPECT_EQ(message_text(R"({"level":"info","logger":"l","data":{"a":1}})"), R"(info l: {"a":1})");
}

}  // namespace
}  // namespace mcpwire::cli
