// SPDX-License-Identifier: MIT
//
// Each client has a log level of its own at a legacy server; the server is asked for the most
// verbose one.
#include "daemon/log_levels.hpp"

#include "protocol/mcp/method.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"
#include "tests/daemon/support/message_payloads.hpp"
#include "tests/parallel/background_task.hpp"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

namespace mcpwire::daemon {
namespace {

using protocol::Method;
using protocol::Outcome;
using protocol::mcp::Revision;
using test_support::message_payload;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogLevelsTest : public DaemonTest {
 protected:
  LogLevelsTest() {
    services->log_levels = &levels;
    configure({"files"});
    factory.prepare = [this](Server& started) {
      started.transport.info.capabilities_json = R"({"logging":{},"resources":{}})";
      started.transport.info.revision = revision;
      started.transport.handler = [this](std::string_view method, std::string_view params) {
        std::optional<io::RpcReply> reply;
        if (method != protocol::mcp::kSetLevel) return reply;
        asked.emplace_back(params.substr(10, params.size() - 12));
        reply.emplace(io::RpcReply{outcome, {body}, {}, true});
        return reply;
      };
    };
  }
  void TearDown() override {
    for (TestClient& client : clients) client.disconnect();
    settle();
    test_support::BackgroundTask<int> stopped(loop, stop());
    settle();
    ASSERT_TRUE(stopped.has_ended());
    DaemonTest::TearDown();
  }
  io::task<int> stop() {
    co_await levels.stop();
    co_return 0;
  }

  TestClient& client() { return connect_configured(protocol::feature::kMessages); }
  Answer want(TestClient& of, const std::string& level) {
    const std::string params = "{\"level\":\"" + level + "\"}";
    return ask(of, Method::kRequest,
               message_payload({.method = protocol::mcp::kSetLevel, .params = params}));
  }
  bool hears(TestClient& of, const std::string& level) {
    return levels.wants(&of.session(), identity(of, "files"),
                        "{\"level\":\"" + level + "\",\"data\":1}");
  }
  void leave(TestClient& who) {
    who.disconnect();
    settle();
  }

  Revision revision = Revision::k2025_11_25;
  Outcome outcome = Outcome::kOk;  ///< Of setLevel.
  std::string body = "{}";
  std::vector<std::string> asked;
  LogLevels levels{loop, pool};
};

TEST_F(LogLevelsTest, TheServerIsAskedForTheMostVerboseThatAnyClientWants) {
  TestClient& one = client();
  TestClient& other = client();
  EXPECT_EQ(want(one, "warning").outcome, Outcome::kOk);
  EXPECT_EQ(want(other, "debug").outcome, Outcome::kOk);
  EXPECT_THAT(asked, ElementsAre("warning", "debug"));
  const Answer quieter = want(one, "error");
  EXPECT_EQ(quieter.outcome, Outcome::kOk);
  EXPECT_EQ(quieter.payload, "{}") << "the server need not be asked";
  want(other, "debug");
  EXPECT_THAT(asked, ElementsAre("warning", "debug"));
  want(other, "critical");
  EXPECT_THAT(asked, ElementsAre("warning", "debug", "error"));
}

TEST_F(LogLevelsTest, EachClientHearsWhatItWantsItself) {
  TestClient& quiet = client();
  TestClient& verbose = client();
  TestClient& silent = client();
  for (TestClient* each : {&quiet, &verbose, &silent}) EXPECT_TRUE(hears(*each, "debug"));
  want(quiet, "error");
  want(verbose, "debug");
  EXPECT_FALSE(hears(quiet, "warning"));
  EXPECT_TRUE(hears(quiet, "error"));
  EXPECT_TRUE(hears(quiet, "emergency"));
  EXPECT_TRUE(hears(verbose, "debug"));
  EXPECT_FALSE(hears(silent, "debug")) << "others have asked for it";
  EXPECT_TRUE(hears(silent, "info"));
  EXPECT_TRUE(hears(quiet, "loud")) << "a level of the server's own";
}

TEST_F(LogLevelsTest, WhoGoesTakesItsLevelAlong) {
  TestClient& one = client();
  TestClient& other = client();
  want(one, "notice");
  want(other, "debug");
  leave(other);
  EXPECT_THAT(asked, ElementsAre("notice", "debug", "notice"));
  leave(one);
  EXPECT_THAT(asked, ElementsAre("notice", "debug", "notice", "info"));
  TestClient& next = client();
  ask(next, Method::kPing);
  EXPECT_TRUE(hears(next, "debug")) << "what the server sends of its own accord";
}

TEST_F(LogLevelsTest, AServerThatIsStartedAnewIsAskedBeforeItsFirstRequest) {
  TestClient& one = client();
  want(one, "debug");
  factory.transport(0).lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  settle();
  one.request(Method::kRequest, message_payload({}));
  settle();
  ASSERT_EQ(factory.count(), 2U);
  EXPECT_THAT(asked, ElementsAre("debug", "debug"));
  EXPECT_EQ(factory.transport(1).sent(), 2U);
  EXPECT_EQ(factory.transport(1).waiting_method(0), "resources/read");
}

TEST_F(LogLevelsTest, WhatTheServerRefusesIsNobodysWish) {
  TestClient& one = client();
  TestClient& other = client();
  want(one, "warning");
  outcome = Outcome::kPeerError;
  body = R"({"code":-32602})";
  const Answer refused = want(other, "debug");
  EXPECT_EQ(refused.outcome, Outcome::kPeerError);
  EXPECT_EQ(refused.payload, R"({"code":-32602})");
  outcome = Outcome::kOk;
  EXPECT_FALSE(hears(other, "debug"));
  want(one, "warning");
  EXPECT_THAT(asked, ElementsAre("warning", "debug")) << "it is at that still";
}

TEST_F(LogLevelsTest, ALevelThatThereIsNoneOfIsTheServersToRefuse) {
  outcome = Outcome::kPeerError;
  body = R"({"code":-32602})";
  TestClient& one = client();
  EXPECT_EQ(want(one, "loud").outcome, Outcome::kPeerError);
  EXPECT_THAT(asked, ElementsAre("loud"));
  EXPECT_TRUE(hears(one, "debug"));
}

TEST_F(LogLevelsTest, AModernServerHasNoLevel) {
  revision = Revision::k2026_07_28;
  TestClient& one = client();
  EXPECT_EQ(want(one, "debug").outcome, Outcome::kRejected);
  EXPECT_THAT(asked, IsEmpty());
}

}  // namespace
}  // namespace mcpwire::daemon
