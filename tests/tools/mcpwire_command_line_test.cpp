// SPDX-License-Identifier: MIT
#include "tools/mcpwire/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;
using ::testing::HasSubstr;

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

CommandLineEnd refused(std::initializer_list<const char*> arguments) {
  auto line = parse(arguments);
  EXPECT_FALSE(line.has_value());
  return line ? CommandLineEnd{} : line.error();
}

TEST(CommandLineTest, ListTakesAServerAndOptions) {
  EXPECT_EQ(parsed({"list"}).server, "");
  const CommandLine line =
      parsed({"list", "files", "--json", "--timeout", "500ms", "--concurrency", "8"});
  EXPECT_EQ(line.command, Command::kList);
  EXPECT_EQ(line.server, "files");
  EXPECT_EQ(line.format, Format::kJson);
  EXPECT_EQ(line.timeout_ns, 500'000'000u);
  EXPECT_EQ(line.concurrency, 8u);
}

TEST(CommandLineTest, CallTakesTheToolInBothForms) {
  for (const auto& line : {parsed({"call", "s/t", "{}"}), parsed({"call", "s", "t", "{}"})}) {
    EXPECT_EQ(line.command, Command::kCall);
    EXPECT_EQ(line.server, "s");
    EXPECT_EQ(line.tool, "t");
    EXPECT_EQ(line.arguments, "{}");
  }
  EXPECT_EQ(parsed({"call", "s/a/b"}).tool, "a/b") << "only the first slash separates";
}

TEST(CommandLineTest, ArgumentsMayBeAbsentEmptyOrStandardInput) {
  EXPECT_EQ(parsed({"call", "s/t"}).arguments, std::nullopt);
  EXPECT_EQ(parsed({"call", "s", "t"}).arguments, std::nullopt);
  EXPECT_EQ(parsed({"call", "s/t", "-"}).arguments, "-");
  EXPECT_EQ(parsed({"call", "s", "t", "-"}).arguments, "-");
  EXPECT_EQ(parsed({"call", "s/t", ""}).arguments, "") << "an empty text is not absence";
}

TEST(CommandLineTest, JsonOfEveryShapePassesThroughUntouched) {
  for (const char* json : {R"({"a":[1,"x y"],"b":"--json"})", "[1,2]", R"({"q":"it's \"x\""})",
                           "{\n \"a\": 1\n}", "-1", "null"}) {
    EXPECT_EQ(parsed({"call", "s/t", "--", json}).arguments, json);
  }
  EXPECT_EQ(parsed({"call", "s/t", R"({"a":[1,2]})", "--json"}).arguments, R"({"a":[1,2]})");
  EXPECT_EQ(parsed({"call", "s/t", "[1,2]"}).arguments, "[1,2]");
}

TEST(CommandLineTest, IncompleteToolsAreRefused) {
  for (const auto& end :
       {refused({"call"}), refused({"call", "s"}), refused({"call", "s/"}), refused({"call", "/t"}),
        refused({"call", "s/t", "{}", "x"}), refused({"call", "s", "t", "{}", "x"}),
        refused({"info"}), refused({"info", "s/t", "x"}), refused({"info", "s/"})}) {
    EXPECT_EQ(end.exit_code, ExitCode::kUsage);
    EXPECT_THAT(end.text, HasSubstr("--help"));
  }
}

TEST(CommandLineTest, InfoTakesAServerOrATool) {
  EXPECT_EQ(parsed({"info", "s"}).tool, "");
  EXPECT_EQ(parsed({"info", "s/t"}).tool, "t");
  EXPECT_EQ(parsed({"info", "s", "t"}).tool, "t");
}

TEST(CommandLineTest, TheConfigurationMayStandAnywhere) {
  EXPECT_EQ(parsed({"-c", "f", "list"}).config_path, "f");
  EXPECT_EQ(parsed({"list", "-c", "f"}).config_path, "f");
  EXPECT_EQ(parsed({"call", "s/t", "{}", "--config", "f"}).config_path, "f");
  EXPECT_EQ(parsed({"daemon", "status", "-c", "f"}).config_path, "f");
}

TEST(CommandLineTest, TheDaemonHasThreeCommands) {
  EXPECT_EQ(parsed({"daemon", "start"}).command, Command::kDaemonStart);
  EXPECT_EQ(parsed({"daemon", "status", "--json"}).command, Command::kDaemonStatus);
  EXPECT_EQ(parsed({"daemon", "status", "--json"}).format, Format::kJson);
  EXPECT_EQ(parsed({"daemon", "stop"}).command, Command::kDaemonStop);
  EXPECT_EQ(refused({"daemon"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(refused({"daemon", "restart"}).exit_code, ExitCode::kUsage);
}

TEST(CommandLineTest, ApproveAsksUnlessTold) {
  EXPECT_EQ(parsed({"approve"}).consent, Consent::kAsk);
  const CommandLine line = parsed({"approve", "f.json", "--yes"});
  EXPECT_EQ(line.command, Command::kApprove);
  EXPECT_EQ(line.approve_path, "f.json");
  EXPECT_EQ(line.consent, Consent::kGiven);
}

TEST(CommandLineTest, WrongValuesAreRefused) {
  EXPECT_THAT(refused({"list", "--timeout", "soon"}).text, HasSubstr("--timeout"));
  EXPECT_EQ(refused({"list", "--concurrency", "0"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(refused({"list", "--concurrency", "65"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(refused({"frobnicate"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(refused({}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(refused({"list", "--yes"}).exit_code, ExitCode::kUsage);
}

TEST(CommandLineTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(refused({"--version"}).exit_code, ExitCode::kOk);
  EXPECT_EQ(refused({"--version"}).text, std::string(kProgramName) + "\n");
  EXPECT_EQ(refused({"--help"}).exit_code, ExitCode::kOk);
  EXPECT_THAT(refused({"--help"}).text, HasSubstr("mcpwire call demo/add"));
  EXPECT_THAT(refused({"call", "--help"}).text, HasSubstr("--timeout"));
}

TEST(CommandLineTest, AWrongWordIsNamed) {
  EXPECT_THAT(refused({"frob"}).text, HasSubstr("unknown command 'frob'"));
  EXPECT_THAT(refused({"lsit"}).text, HasSubstr("did you mean 'list'?"));
  EXPECT_THAT(refused({"daemon", "foo"}).text, HasSubstr("unknown daemon command 'foo'"));
  EXPECT_THAT(refused({"call", "s/t", "{}", "more"}).text, HasSubstr("unexpected argument more"));
}

TEST(CommandLineTest, AnEmptyOptionIsNoAbsentOne) {
  for (const auto& end : {refused({"-c", "", "list"}), refused({"list", "--timeout", ""})}) {
    EXPECT_EQ(end.exit_code, ExitCode::kUsage);
    EXPECT_THAT(end.text, HasSubstr("is empty"));
  }
}

TEST(CommandLineTest, ANameThatIsNoUtf8IsRefused) {
  for (const auto& end : {refused({"call", "demo/s\xff", "{}"}), refused({"call", "\xc3", "t"})}) {
    EXPECT_EQ(end.exit_code, ExitCode::kUsage);
    EXPECT_THAT(end.text, HasSubstr("is not UTF-8"));
  }
  EXPECT_EQ(parsed({"call", "demo/\xc3\xa4"}).tool, "\xc3\xa4");
}

TEST(CommandLineTest, EveryDaemonCommandTakesATimeout) {
  for (const char* what : {"start", "status", "stop"}) {
    EXPECT_EQ(parsed({"daemon", what, "--timeout", "1s"}).timeout_ns, 1'000'000'000u);
  }
}

}  // namespace
}  // namespace mcpwire::cli
