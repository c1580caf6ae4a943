// SPDX-License-Identifier: MIT
//
// Servers with a URL: their keys, what contradicts, what they resolve to, what is approved.
#include "daemon/config/approvals.hpp"
#include "daemon/config/http_syntax.hpp"
#include "daemon/config/resolve.hpp"
#include "daemon/config/server_config.hpp"
#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace mcpwire::config {
namespace {

using protocol::mcp::Era;
using protocol::mcp::Revision;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

Configuration parse_server(std::string_view body) {
  auto parsed = parse_configuration(R"({"mcpServers":{"s":)" + std::string(body) + "}}", "/f");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message();
  return parsed ? std::move(*parsed) : Configuration{};
}

ServerConfig server_of(std::string_view body) {
  Configuration parsed = parse_server(body);
  EXPECT_TRUE(parsed.problems.empty()) << parsed.problems[0].error.message();
  return parsed.servers.empty() ? ServerConfig{} : std::move(parsed.servers[0]);
}

std::string problem_of(std::string_view body) {
  const Configuration parsed = parse_server(body);
  return parsed.problems.empty() ? "" : parsed.problems[0].error.message();
}

TEST(RemoteConfigTest, AUrlWithoutATypeIsStreamableHttp) {
  const ServerConfig server = server_of(R"({"url":"https://h/mcp","headers":{"B":"2","A":"1"}})");
  EXPECT_EQ(server.type, ServerType::kStreamableHttp);
  EXPECT_EQ(server.url, "https://h/mcp");
  EXPECT_THAT(server.headers, ElementsAre(Pair("B", "2"), Pair("A", "1")));
  EXPECT_FALSE(server.era.has_value());
  EXPECT_FALSE(server.revision.has_value());
}

TEST(RemoteConfigTest, ATypeSaysWhichTransport) {
  EXPECT_EQ(server_of(R"({"type":"http","url":"http://h"})").type, ServerType::kStreamableHttp);
  EXPECT_EQ(server_of(R"({"type":"streamable-http","url":"http://h"})").type,
            ServerType::kStreamableHttp);
  EXPECT_EQ(server_of(R"({"type":"sse","url":"http://h"})").type, ServerType::kSse);
  EXPECT_EQ(server_of(R"({"type":"stdio","command":"c"})").type, ServerType::kStdio);
}

TEST(RemoteConfigTest, WhatContradictsIsNamed) {
  const std::vector<std::pair<const char*, const char*>> kCases = {
      {R"({"command":"c","url":"http://h"})", "both command and url"},
      {R"({"type":"","url":"http://h"})", "type must be"},
      {R"({"type":7})", "type must be a string"},
      {R"({"type":"http"})", "url is missing"},
      {R"({"type":"sse","url":""})", "url is missing"},
      {R"({"type":"stdio","url":"http://h"})", "command is missing"},
      {R"({"type":"stdio","command":"c","url":"http://h"})", "url: a server with a command"},
      {R"({"type":"http","url":"http://h","command":"c"})", "command: a server with a url"},
      {R"({"url":"http://h","args":["a"]})", "args: a server with a url"},
      {R"({"url":"http://h","env":{"A":"1"}})", "env: a server with a url"},
      {R"({"url":"http://h","cwd":"/"})", "cwd: a server with a url"},
      {R"({"command":"c","headers":{"A":"1"}})", "headers: a server with a command"},
      {R"({"command":"c","limits":{"headerBytes":2048}})", "limits.headerBytes: a server with a"},
      {R"({"url":"http://h","limits":{"openFiles":64}})", "limits.openFiles: a server with a url"},
      {R"({"url":7})", "url must be a string"},
      {R"({"url":"http://h","headers":[]})", "headers must be an object"},
      {R"({"url":"http://h","headers":{"A":7}})", "headers.A must be a string"},
      {R"({"url":"http://h","headers":{"A":"1","a":"2"}})", "headers.a: the header stands more"},
      {R"({"url":"http://h","headers":{"A":"1","A":"2"}})", "A stands more than once"},
      {R"({"url":"http://h","headers":{"A b":"1"}})", "headers.A b: it is no name of a header"},
      {R"({"url":"http://h","headers":{"A\r\nB":"1"}})", "it is no name of a header"},
      {R"({"url":"http://h","headers":{"":"1"}})", "it is no name of a header"},
      {R"({"url":"http://h","headers":{"Host":"x"}})", "mcpwire sets this header itself"},
      {R"({"url":"http://h","headers":{"MCP-Session-Id":"x"}})", "sets this header itself"},
      {R"({"command":"c","era":"middle"})", "era must be \"auto\", \"legacy\" or \"modern\""},
      {R"({"command":"c","era":""})", "era must be"},
      {R"({"command":"c","protocolVersion":"2020-01-01"})", "\"2020-01-01\" is no revision"},
      {R"({"command":"c","protocolVersion":""})", "is no revision"},
      {R"({"command":"c","protocolVersion":7})", "protocolVersion must be a string"},
      {R"({"command":"c","era":"modern","protocolVersion":"2025-11-25"})", "contradict"},
      {R"({"url":"http://h","type":"sse","era":"modern"})", "contradict"},
  };
  for (const auto& [body, text] : kCases) EXPECT_THAT(problem_of(body), HasSubstr(text)) << body;
}

TEST(RemoteConfigTest, AnotherTypeHasTheTextsAsItsSettings) {
  const ServerConfig server = server_of(
      R"({"type":"pigeon","name":"b","loft":"${LOFT}","era":"legacy","timeout":"2s","count":3,)"
      R"("limits":{"lineBytes":4096,"headerBytes":4096},"command":"c","url":"u"})");
  EXPECT_EQ(server.type, ServerType::kOther);
  EXPECT_EQ(server.type_name, "pigeon");
  EXPECT_THAT(server.settings, ElementsAre(Pair("command", "c"), Pair("loft", "${LOFT}"),
                                           Pair("name", "b"), Pair("url", "u")));
  EXPECT_EQ(server.command, "");
  EXPECT_EQ(server.url, "");
  EXPECT_EQ(server.era, Era::kLegacy);
  EXPECT_EQ(server.timeout_ns, 2'000'000'000U);
  EXPECT_EQ(server.limits.get(LimitKey::kHeaderBytes), 4096U);
}

TEST(RemoteConfigTest, EveryTextOfAnotherKindIsPartOfItsIdentityAndItsApproval) {
  test_support::FakeFileSystem files;
  ServerConfig server = server_of(R"({"type":"pigeon","loft":"${LOFT}","ring":"7"})");
  const CallerContext caller{{{"LOFT", "north"}}, "/d"};
  const ResolvedServer resolved = resolve(server, caller, files).value();
  EXPECT_THAT(resolved.settings, ElementsAre(Pair("loft", "north"), Pair("ring", "7")));
  EXPECT_THAT(resolved.secrets, ElementsAre("LOFT=north"));
  const Sha256Digest approved = approval_key(server, "/d");
  EXPECT_NE(resolve(server, {{{"LOFT", "south"}}, "/d"}, files).value().identity,
            resolved.identity);
  EXPECT_NE(approval_key(server, "/e"), approved);
  server.settings[1].second = "8";
  EXPECT_NE(resolve(server, caller, files).value().identity, resolved.identity);
  EXPECT_NE(approval_key(server, "/d"), approved);
  server.settings[1].second = "7";
  EXPECT_EQ(approval_key(server, "/d"), approved);
  server.type_name = "owl";
  EXPECT_NE(resolve(server, caller, files).value().identity, resolved.identity);
  EXPECT_NE(approval_key(server, "/d"), approved);
  server.settings[0].second = "${MISSING}";
  EXPECT_THAT(resolve(server, caller, files).error().message(), HasSubstr("loft"));
}

TEST(RemoteConfigTest, EmptyKeysOfTheOtherKindAreLetThrough) {
  EXPECT_EQ(problem_of(R"({"url":"http://h","args":[],"env":{},"cwd":"","type":"http"})"), "");
  EXPECT_EQ(problem_of(R"({"type":"stdio","command":"c","url":"","headers":{}})"), "");
}

TEST(RemoteConfigTest, APinnedRevisionPinsItsEra) {
  const ServerConfig legacy = server_of(R"({"command":"c","protocolVersion":"2025-06-18"})");
  EXPECT_EQ(legacy.revision, Revision::k2025_06_18);
  EXPECT_EQ(legacy.era, Era::kLegacy);
  EXPECT_EQ(server_of(R"({"url":"http://h","protocolVersion":"2026-07-28"})").era, Era::kModern);
  EXPECT_EQ(server_of(R"({"command":"c","era":"modern"})").era, Era::kModern);
  EXPECT_EQ(server_of(R"({"command":"c","era":"auto"})").era, std::nullopt);
}

TEST(HttpSyntaxTest, TakesUrlsThatAreSomething) {
  for (const char* url : {"http://h", "https://h/", "HTTPS://h:8443/a/b?c=d",
                          "http://[::1]:8080/mcp", "http://h:/x", "http://1.2.3.4?x=@y"}) {
    EXPECT_TRUE(check_url(url).has_value()) << url;
  }
}

TEST(HttpSyntaxTest, RefusesOtherUrlsAndShowsNothingOfThem) {
  for (const char* url :
       {"", "s3cret", "ftp://s3cret", "file:///s3cret", "://s3cret", "http:/s3cret", "http://",
        "http://:80/s3cret", "http://u:s3cret@h/", "http://h:99999/s3cret", "http://h:0/s3cret",
        "http://h:8x/s3cret", "http://h/#s3cret", "http://h/s3 cret", "http://h/s3\ncret",
        "http://h\\@s3cret/", "http://[::1/s3cret", "http://[::1]s3cret/", "http://h/s\xc3\xa9"}) {
    const auto checked = check_url(url);
    ASSERT_FALSE(checked.has_value()) << url;
    EXPECT_THAT(checked.error().message(), Not(HasSubstr("s3cret")));
  }
}

class RemoteResolveTest : public ::testing::Test {
 protected:
  RemoteResolveTest() {
    server = server_of(
        R"({"url":"https://${HOST:-h.example}/mcp?k=${KEY}","headers":{"Auth":"Bearer ${TOKEN}"}})");
    caller.environment = {{"KEY", "k-123"}, {"TOKEN", "tok-123"}, {"HOME", "/home/u"}};
    caller.config_directory = "/proj";
  }
  Result<ResolvedServer> resolve_now() { return resolve(server, caller, files); }
  std::string identity() { return hex_of(resolve_now().value().identity); }
  std::string fault() {
    const auto resolved = resolve_now();
    return resolved ? "" : resolved.error().message();
  }
  std::string approval() { return hex_of(approval_key(server, "/proj")); }

  test_support::FakeFileSystem files;
  ServerConfig server;
  CallerContext caller;
};

TEST_F(RemoteResolveTest, ExpandsUrlAndHeadersAndNamesTheSecrets) {
  const ResolvedServer resolved = resolve_now().value();
  EXPECT_EQ(resolved.url, "https://h.example/mcp?k=k-123");
  EXPECT_THAT(resolved.headers, ElementsAre(Pair("Auth", "Bearer tok-123")));
  EXPECT_THAT(resolved.secrets, ElementsAre("HOST=h.example", "KEY=k-123", "TOKEN=tok-123"));
  EXPECT_EQ(resolved.process.program, "");
}

TEST_F(RemoteResolveTest, AMissingVariableIsNamedAndNoValueIs) {
  caller.environment.erase("TOKEN");
  EXPECT_EQ(fault(), "server 's': headers.Auth: the variable TOKEN is not set");
  caller.environment.erase("KEY");
  EXPECT_EQ(fault(), "server 's': url: the variable KEY is not set");
}

TEST_F(RemoteResolveTest, WhatAVariableBringsIsCheckedToo) {
  caller.environment["TOKEN"] = "tok\r\nX-Injected: 1";
  EXPECT_THAT(fault(), HasSubstr("headers.Auth: it holds a line break"));
  EXPECT_THAT(fault(), Not(HasSubstr("tok")));
  caller.environment["TOKEN"] = "t";
  caller.environment["HOST"] = "u:s3cret@h";
  EXPECT_THAT(fault(), HasSubstr("url: it holds a user or password"));
  EXPECT_THAT(fault(), Not(HasSubstr("s3cret")));
  server.url = "${KEY}";
  EXPECT_EQ(fault(), "server 's': url: it must begin with http:// or https://");
}

TEST_F(RemoteResolveTest, EveryPartIsPartOfTheIdentity) {
  const std::string plain = identity();
  const auto differs = [&](auto&& change) {
    const ServerConfig before = server;
    change();
    const bool is_other = identity() != plain;
    server = before;
    return is_other;
  };
  EXPECT_TRUE(differs([&] { server.type = ServerType::kSse; }));
  EXPECT_TRUE(differs([&] { server.url += "x"; }));
  EXPECT_TRUE(differs([&] { server.headers[0].first = "Other"; }));
  EXPECT_TRUE(differs([&] { server.headers[0].second += "x"; }));
  EXPECT_TRUE(differs([&] { server.headers.emplace_back("A", "1"); }));
  EXPECT_TRUE(differs([&] { server.era = Era::kLegacy; }));
  EXPECT_TRUE(differs([&] { server.era = Era::kModern; }));
  EXPECT_TRUE(differs([&] { server.revision = Revision::k2025_11_25; }));
  EXPECT_TRUE(differs([&] { server.limits.set(LimitKey::kMessageBytes, 4096); }));
  EXPECT_FALSE(differs([&] { server.headers[0].first = "AUTH"; })) << "names have no case";
  EXPECT_FALSE(differs([&] { server.timeout_ns = 7; }));
  EXPECT_FALSE(differs([&] { server.name = "other"; }));
}

TEST_F(RemoteResolveTest, ApprovalCoversUrlAndHeadersAsWritten) {
  const std::string plain = approval();
  const auto differs = [&](auto&& change) {
    const ServerConfig before = server;
    change();
    const bool is_other = approval() != plain;
    server = before;
    return is_other;
  };
  EXPECT_TRUE(differs([&] { server.url += "x"; }));
  EXPECT_TRUE(differs([&] { server.type = ServerType::kSse; }));
  EXPECT_TRUE(differs([&] { server.headers[0].first = "Other"; }));
  EXPECT_TRUE(differs([&] { server.headers.emplace_back("A", "1"); }));
  EXPECT_TRUE(differs([&] { server.headers[0].second = "Bearer ${AWS_SECRET}"; }));
  EXPECT_TRUE(differs([&] { server.headers[0].second += "x"; }));
  EXPECT_NE(hex_of(approval_key(server, "/elsewhere")), plain);
}

}  // namespace
}  // namespace mcpwire::config
