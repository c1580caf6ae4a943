// SPDX-License-Identifier: MIT
//
// Requests of MCP, questions of servers and notifications, over the rings and over the socket
// alone.
#include "client/connection.hpp"
#include "tests/client/scripted_daemon.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::client {
namespace {

using protocol::Outcome;
using protocol::ServerAnswerKind;
using protocol::mcp::ClientAbility;
using test_support::ScriptedDaemon;
using test_support::TemporaryRuntimeDirectory;

class MessagesTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  Connection connect() {
    ConnectOptions options;
    options.runtime_directory = directory_.path();
    options.ring_bytes = GetParam();
    options.auto_start = AutoStart::kNo;
    auto connection = Connection::connect(options);
    if (!connection) ADD_FAILURE() << connection.error().message();
    return std::move(connection).value();
  }

  TemporaryRuntimeDirectory directory_;
  std::optional<ScriptedDaemon> daemon_{std::in_place, directory_.path()};
};

INSTANTIATE_TEST_SUITE_P(Carriers, MessagesTest, ::testing::Values(0u, 64u * 1024),
                         [](const auto& param) { return param.param == 0 ? "Socket" : "Rings"; });

TEST_P(MessagesTest, ARequestTakesAllOfItAlong) {
  Connection connection = connect();
  const CallReply reply = connection.request({.server = "demo",
                                              .method = "tools/list",
                                              .params_json = "{}",
                                              .meta_json = R"({"a":1})",
                                              .pages = protocol::Pages::kAll});
  EXPECT_EQ(reply.outcome, Outcome::kOk);
  EXPECT_EQ(reply.body, R"(demo tools/list {} {"a":1} 0 1)");
}

TEST_P(MessagesTest, AQuestionIsAnsweredByTheHandler) {
  Connection connection = connect();
  std::vector<std::string> asked;
  connection.on_server_request(
      ClientAbility::kElicitationForm | ClientAbility::kRoots, [&](const ServerQuestion& question) {
        asked.push_back(std::string(question.method) + " " + std::string(question.params_json));
        return ServerAnswer{ServerAnswerKind::kAnswered, R"({"action":"accept"})"};
      });
  EXPECT_EQ(connection.request({.method = "any"}).body, " any   20 0");
  EXPECT_EQ(connection.request({.method = "ask", .params_json = R"({"message":"?"})"}).body,
            R"(0 {"action":"accept"})");
  EXPECT_EQ(asked, std::vector<std::string>{R"(elicitation/create {"message":"?"})"});
}

TEST_P(MessagesTest, AQuestionMayBeAnsweredLater) {
  Connection connection = connect();
  std::optional<std::uint64_t> key;
  connection.on_server_request(ClientAbility::kRoots, [&](const ServerQuestion& question) {
    key = question.key;
    return std::optional<ServerAnswer>();
  });
  const auto id = connection.start_request({.method = "ask"});
  ASSERT_TRUE(id.has_value());
  while (!key) ASSERT_FALSE(connection.wait(*id, monotonic_now_ns() + 1'000'000).has_value());
  connection.answer_server(*id, *key, {ServerAnswerKind::kFailed, R"({"code":1})"});
  EXPECT_EQ(connection.wait(*id)->body, R"(2 {"code":1})");
}

TEST_P(MessagesTest, WithoutAHandlerAQuestionIsRefused) {
  Connection connection = connect();
  EXPECT_EQ(connection.request({.method = "ask"}).body, "1 ");
}

TEST_P(MessagesTest, NotificationsReachTheirHandler) {
  Connection connection = connect();
  std::vector<std::string> told;
  std::uint64_t correlation = 0;
  connection.on_notification([&](const Notification& one) {
    correlation = one.correlation;
    told.push_back(std::string(one.server) + " " + std::string(one.method) + " " +
                   std::string(one.params_json));
  });
  const auto id = connection.start_request({.method = "tell", .params_json = R"({"x":1})"});
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(connection.wait(*id)->outcome, Outcome::kOk);
  EXPECT_EQ(told, std::vector<std::string>{R"(demo notifications/message {"x":1})"});
  EXPECT_EQ(correlation, *id);
}

TEST_P(MessagesTest, ListeningIsARequestThatNamesWhatIsWanted) {
  Connection connection = connect();
  const auto id = connection.start_listen(
      {.server = "demo", .prompts = false, .uris = {"a\"b\n", "c"}, .deadline_ns = 0});
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(connection.wait(*id)->body,
            R"(demo subscriptions/listen {"notifications":{"toolsListChanged":true,)"
            R"("resourcesListChanged":true,"resourceSubscriptions":["a\"b\u000a","c"]}}  0 0)");
}

TEST_P(MessagesTest, ARequestThatMayHaveHappenedIsNotSentAgain) {
  Connection connection = connect();
  const CallReply reply = connection.request({.method = "die"});
  EXPECT_EQ(reply.outcome, Outcome::kUnknown);
  EXPECT_EQ(daemon_->connections(), 1);
}

}  // namespace
}  // namespace mcpwire::client
