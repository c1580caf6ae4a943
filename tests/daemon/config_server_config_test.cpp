// SPDX-License-Identifier: MIT
#include "daemon/config/server_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mcpwire::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

Configuration parse(std::string_view text) {
  auto parsed = parse_configuration(text, "/etc/x.json");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message();
  return parsed ? std::move(*parsed) : Configuration{};
}

std::string fault_of(std::string_view text) {
  const auto parsed = parse_configuration(text, "/etc/x.json");
  if (parsed) return "";
  EXPECT_EQ(parsed.error().kind, ErrorKind::kConfiguration);
  EXPECT_EQ(parsed.error().code, ErrorCode::kConfigInvalid);
  return parsed.error().message();
}

/// The message for one server with this body.
std::string problem_of(std::string_view body) {
  const Configuration parsed =
      parse(R"({"mcpServers":{"bad":)" + std::string(body) + R"(,"good":{"command":"c"}}})");
  EXPECT_EQ(parsed.servers.size(), 1u) << "the other server must work";
  if (parsed.problems.size() != 1) return "";
  EXPECT_EQ(parsed.problems[0].server, "bad");
  return parsed.problems[0].error.message();
}

TEST(ServerConfigTest, ReadsEveryKeyInFileOrder) {
  const Configuration parsed = parse(R"({"mcpServers": {
    "zeta": {"command": "npx", "args": ["-y", "p"], "env": {"Z": "1", "A": "2"}, "cwd": "~/w",
             "timeout": 1.5, "type": "stdio", "disabled": false, "unknown": {"x": [1]}},
    "alpha": {"command": "b", "timeout": "500ms"}}, "other": 1})");
  ASSERT_EQ(parsed.servers.size(), 2u);
  EXPECT_TRUE(parsed.problems.empty());
  const ServerConfig& zeta = parsed.servers[0];
  EXPECT_EQ(zeta.name, "zeta");
  EXPECT_EQ(zeta.command, "npx");
  EXPECT_THAT(zeta.arguments, ElementsAre("-y", "p"));
  EXPECT_THAT(zeta.environment, ElementsAre(Pair("Z", "1"), Pair("A", "2")));
  EXPECT_EQ(zeta.working_directory, "~/w");
  EXPECT_EQ(zeta.timeout_ns, 1'500'000'000u);
  EXPECT_EQ(parsed.servers[1].name, "alpha");
  EXPECT_EQ(parsed.servers[1].timeout_ns, 500'000'000u);
}

TEST(ServerConfigTest, AcceptsCommentsAndAByteOrderMark) {
  const Configuration parsed =
      parse("\xef\xbb\xbf// top\n{\"mcpServers\": /* here */ {\"a\": {\"command\": \"c\"}}}");
  EXPECT_EQ(parsed.servers.size(), 1u);
}

TEST(ServerConfigTest, MalformedJsonNamesFileLineAndColumn) {
  EXPECT_THAT(fault_of("{\n  \"mcpServers\": {\n    \"a\": }\n}"),
              HasSubstr("/etc/x.json:3:10: not valid JSON: unexpected '}'"));
  EXPECT_THAT(fault_of(""), HasSubstr("/etc/x.json:1:1: not valid JSON"));
  EXPECT_THAT(fault_of("{\"mcpServers\":{\"a\":{\"command\":\"c\",}}}"), HasSubstr(":1:35:"));
  EXPECT_THAT(fault_of("{} {}"), HasSubstr(":1:4:"));
}

TEST(ServerConfigTest, NothingHidesBehindANulCharacter) {
  EXPECT_THAT(fault_of(std::string_view("{\"mcpServers\":{}}\0{", 19)), HasSubstr(":1:18:"));
}

TEST(ServerConfigTest, NoMessageContainsAValue) {
  for (const char* text :
       {"{\"mcpServers\":{\"a\":{\"env\":{\"T\":\"s3cret\n\"}}}}",
        "{\"mcpServers\":{\"a\":{\"env\":{\"T\":\"s3cret\" \"s3cret\"}}}}",
        "{\"mcpServers\":{\"a\":{\"args\":[\"s3cret\\q\"]}}}", "{\"mcpServers\":s3cret}"}) {
    const std::string message = fault_of(text);
    EXPECT_NE(message, "") << text;
    EXPECT_THAT(message, Not(HasSubstr("s3cret")));
  }
  EXPECT_THAT(problem_of(R"({"command":"c","args":["s3cret",7]})"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(problem_of(R"({"command":"c","env":{"A":"s3cret","B":1}})"),
              Not(HasSubstr("s3cret")));
}

TEST(ServerConfigTest, AFileWithoutServersIsRefused) {
  EXPECT_THAT(fault_of("{}"), HasSubstr("\"mcpServers\""));
  EXPECT_THAT(fault_of("[]"), HasSubstr("\"mcpServers\""));
  EXPECT_THAT(fault_of("7"), HasSubstr("\"mcpServers\""));
  EXPECT_THAT(fault_of(R"({"mcpServers":[]})"), HasSubstr("\"mcpServers\""));
  EXPECT_THAT(fault_of(R"({"mcpServers":{},"mcpServers":{}})"), HasSubstr("more than once"));
  EXPECT_TRUE(parse(R"({"mcpServers":{}})").servers.empty());
}

TEST(ServerConfigTest, WrongTypesNameServerAndKey) {
  EXPECT_THAT(problem_of(R"({"command":7})"),
              HasSubstr("/etc/x.json: server 'bad': command must be a string"));
  EXPECT_THAT(problem_of(R"({})"), HasSubstr("command is missing"));
  EXPECT_THAT(problem_of(R"({"command":""})"), HasSubstr("command is missing"));
  EXPECT_THAT(problem_of(R"(7)"), HasSubstr("must be an object"));
  EXPECT_THAT(problem_of(R"({"command":"c","args":"x"})"), HasSubstr("args must be an array"));
  EXPECT_THAT(problem_of(R"({"command":"c","args":["a",7]})"), HasSubstr("args[1] must"));
  EXPECT_THAT(problem_of(R"({"command":"c","env":[]})"), HasSubstr("env must be an object"));
  EXPECT_THAT(problem_of(R"({"command":"c","env":{"PORT":7}})"), HasSubstr("env.PORT must"));
  EXPECT_THAT(problem_of(R"({"command":"c","env":{"A=B":"7"}})"), HasSubstr("no name"));
  EXPECT_THAT(problem_of(R"({"command":"c","env":{"":"7"}})"), HasSubstr("no name"));
  EXPECT_THAT(problem_of(R"({"command":"c","cwd":false})"), HasSubstr("cwd must"));
  EXPECT_THAT(problem_of(R"({"command":"c","disabled":"yes"})"), HasSubstr("disabled must"));
  EXPECT_THAT(problem_of(R"({"command":"c","timeout":[]})"), HasSubstr("timeout must"));
  EXPECT_THAT(problem_of(R"({"command":"c","timeout":-1})"), HasSubstr("timeout: "));
  EXPECT_THAT(problem_of(R"({"command":"c","timeout":600000})"), HasSubstr("24 hours"));
  EXPECT_THAT(problem_of(R"({"command":"c","timeout":"soon"})"), HasSubstr("not a duration"));
}

TEST(ServerConfigTest, CharactersThatWouldCutAnArgumentAreRefused) {
  EXPECT_THAT(problem_of(R"({"command":"a\u0000b"})"), HasSubstr("command must not contain"));
  EXPECT_THAT(problem_of(R"({"command":"c","args":["a\u0000b"]})"), HasSubstr("args[0]"));
  EXPECT_THAT(problem_of(R"({"command":"c","env":{"A":"\u0000"}})"), HasSubstr("env.A"));
}

TEST(ServerConfigTest, DisabledServersAreLeftOut) {
  const Configuration parsed =
      parse(R"({"mcpServers":{"off":{"disabled":true,"url":"x"},"on":{"command":"c"}}})");
  ASSERT_EQ(parsed.servers.size(), 1u);
  EXPECT_EQ(parsed.servers[0].name, "on");
  EXPECT_TRUE(parsed.problems.empty());
}

TEST(ServerConfigTest, NamesThatStandTwiceAreRefused) {
  const Configuration parsed = parse(R"({"x":{"a":{},"a":{}},"mcpServers":{
      "a":{"command":"one"},"b":{"command":"c"},"a":{"command":"two"},
      "k":{"command":"x","command":"y"},"e":{"command":"x","env":{"V":"1","V":"2"}}}})");
  ASSERT_EQ(parsed.servers.size(), 1u);
  EXPECT_EQ(parsed.servers[0].name, "b");
  ASSERT_EQ(parsed.problems.size(), 3u);
  EXPECT_THAT(parsed.problems[0].error.message(), HasSubstr("'a': the name stands more than once"));
  EXPECT_THAT(parsed.problems[1].error.message(), HasSubstr("'k': command stands more than once"));
  EXPECT_THAT(parsed.problems[2].error.message(), HasSubstr("'e': V stands more than once"));
}

TEST(ServerConfigTest, TheSameKeyInTwoServersIsNoDuplicate) {
  const Configuration parsed = parse(
      R"({"mcpServers":{"a":{"env":{"V":"1"},"command":"c"},"b":{"command":"c","env":{"V":"1"}}}})");
  EXPECT_EQ(parsed.servers.size(), 2u);
}

TEST(ServerConfigTest, ObjectsInArraysOfUnknownKeysMayRepeatTheirKeys) {
  const Configuration parsed = parse(
      R"({"inputs":[{"id":1},{"id":2}],"mcpServers":{"a":{"command":"c","x":[{"k":1},{"k":2}],
          "y":{"command":{},"k":[{"k":1},{"k":2}]}}}})");
  EXPECT_EQ(parsed.servers.size(), 1u);
  EXPECT_TRUE(parsed.problems.empty());
}

TEST(ServerConfigTest, NamesThatCannotBeAddressedAreRefused) {
  for (const char* name : {"a/b", "", "a\\nb", "\\u001b[31m", "\\u007f"}) {
    const Configuration parsed = parse(R"({"mcpServers":{")" + std::string(name) +
                                       R"(":{"command":"c"},"good":{"command":"c"}}})");
    EXPECT_EQ(parsed.servers.size(), 1u) << name;
    ASSERT_EQ(parsed.problems.size(), 1u) << name;
    EXPECT_THAT(parsed.problems[0].error.message(), Not(HasSubstr("\x1b")));
  }
  EXPECT_EQ(parse(R"({"mcpServers":{")" + std::string(129, 'n') + R"(":{"command":"c"}}})")
                .problems.size(),
            1u);
}

TEST(ServerConfigTest, LimitsHold) {
  const auto large = parse_configuration(std::string(kConfigurationBytesMax + 1, ' '), "/f");
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
  std::string many = R"({"mcpServers":{)";
  for (std::size_t i = 0; i <= kServersMax; ++i) {
    many += (i == 0 ? "\"s" : ",\"s") + std::to_string(i) + R"(":{"command":"c"})";
  }
  EXPECT_THAT(fault_of(many + "}}"), HasSubstr("more than 1024 servers"));
}

TEST(ServerConfigTest, DeepNestingIsAnErrorAndNoCrash) {
  EXPECT_NE(fault_of(std::string(500'000, '[')), "");
}

}  // namespace
}  // namespace mcpwire::config
