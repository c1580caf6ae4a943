// SPDX-License-Identifier: MIT
#include "tools/mcpwire/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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

TEST(CommandLineTest, AWrongLineSaysWhetherJsonWasWanted) {
  const CommandLineEnd end = refused({"frob", "--json"});
  EXPECT_EQ(end.format, Format::kJson);
  EXPECT_THAT(end.message, StartsWith("unknown command 'frob'"));
  EXPECT_EQ(refused({"call", "--json"}).format, Format::kJson);
  EXPECT_EQ(refused({"call", "s/t", "{}", "--", "--json"}).format, Format::kText);
  EXPECT_EQ(refused({"frob"}).format, Format::kText);
}

TEST(CommandLineTest, TheReadmeAndTheHelpHaveOneTableOfExitCodes) {
  std::ostringstream readme;
  readme << std::ifstream(MCPWIRE_README).rdbuf();
  std::istringstream lines(refused({"--help"}).text);
  int codes = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string begin = "  " + std::to_string(codes) + "  ";
    if (!line.starts_with(begin)) continue;
    const std::string row =
        "\n| " + std::to_string(codes) + " | " + line.substr(begin.size()) + " |\n";
    EXPECT_THAT(readme.str(), HasSubstr(row));
    ++codes;
  }
  EXPECT_EQ(codes, static_cast<int>(ExitCode::kCancelled) + 1);
}

TEST(CommandLineTest, EveryHelpFitsEightyColumns) {
  for (const char* const command :
       {"list", "info", "call", "ping", "resources", "templates", "prompts", "read", "prompt",
        "complete", "request", "listen", "daemon", "approve", ""}) {
    const std::string text =
        *command == '\0' ? refused({"--help"}).text : refused({command, "--help"}).text;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
    EXPECT_THAT(text, Not(HasSubstr("[]"))) << "a nameless argument";
    EXPECT_THAT(text, Not(HasSubstr(":value in"))) << "what a check says of itself";
    const bool is_whole = text.find("Exit codes:") != std::string::npos;
    EXPECT_EQ(is_whole, *command == '\0') << command;
  }
}

}  // namespace
}  // namespace mcpwire::cli
