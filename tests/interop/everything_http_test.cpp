// SPDX-License-Identifier: MIT
//
// server-everything over Streamable HTTP with sessions, and over the HTTP+SSE of the first
// revision: named as such in the configuration, and found out.
#include "tests/interop/interop_fixture.hpp"
#include "tests/interop/node_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>

namespace mcpwire::test {
namespace {

using protocol::Outcome;

struct Carrier {
  std::string name;
  std::string argument;  ///< Of server-everything.
  std::string path;
  std::string type;  ///< In the configuration; empty: none.
  std::string ready;
};

void PrintTo(const Carrier& carrier, std::ostream* out) { *out << carrier.name; }

class InteropEverythingHttpTest : public InteropFixture,
                                  public testing::WithParamInterface<Carrier> {
 protected:
  void SetUp() override {
    InteropFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string port = std::to_string(free_port());
    server_ = std::make_unique<NodeServer>(
        NodeCommand{{node(), package_file("server-everything/dist/index.js"), GetParam().argument},
                    {"PORT=" + port},
                    GetParam().ready + port});
    server_->start();
    json server = {{"url", "http://127.0.0.1:" + port + GetParam().path}};
    if (!GetParam().type.empty()) server["type"] = GetParam().type;
    configure({{"everything", server}});
  }

  CallReply echo(const std::string& message) {
    return call("everything", "echo", {{"message", message}});
  }

  std::unique_ptr<NodeServer> server_;
};

TEST_P(InteropEverythingHttpTest, ListsItsTools) {
  const std::set<std::string> names = listed_tools();
  EXPECT_TRUE(names.contains("everything/echo"));
  EXPECT_TRUE(names.contains("everything/get-sum"));
}

TEST_P(InteropEverythingHttpTest, CallsATool) {
  const CallReply reply = echo("über HTTP\n");
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(text_of(reply), "Echo: über HTTP\n");
}

TEST_P(InteropEverythingHttpTest, AToolThatFailsAnswersIsError) {
  const CallReply reply = call("everything", "get-sum", {{"a", "no number"}});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_TRUE(is_tool_error(reply)) << reply.body.view();
}

TEST_P(InteropEverythingHttpTest, AnUnknownToolIsTheServersToRefuse) {
  expect_refusal(call("everything", "no-such-tool"));
}

TEST_P(InteropEverythingHttpTest, FiftyConcurrentCallsGetTheirOwnAnswers) {
  expect_own_answers("everything", "get-sum", 50);
}

TEST_P(InteropEverythingHttpTest, ServesAgainWhenTheServerWasStartedAgain) {
  ASSERT_EQ(text_of(echo("one")), "Echo: one");
  server_->stop();
  const CallReply meanwhile = echo("two");
  EXPECT_EQ(meanwhile.outcome, Outcome::kNotSent) << meanwhile.error.message();
  server_->start();
  const CallReply reply = echo("three");
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(text_of(reply), "Echo: three");
}

TEST_P(InteropEverythingHttpTest, ASessionThatTheServerForgotIsBegunAgain) {
  ASSERT_EQ(text_of(echo("one")), "Echo: one");
  server_->stop();
  server_->start();
  // Between two calls, nothing was in flight: the call after it is provably new to the server.
  const CallReply reply = echo("two");
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(text_of(reply), "Echo: two");
}

TEST_P(InteropEverythingHttpTest, TheServerHearsThatTheDaemonLeaves) {
  ASSERT_EQ(text_of(echo("one")), "Echo: one");
  stop_daemon();
  const bool has_sessions = GetParam().argument == "streamableHttp";
  EXPECT_TRUE(
      server_->wait_for(has_sessions ? "session termination request" : "Client Disconnected"));
}

INSTANTIATE_TEST_SUITE_P(
    Carriers, InteropEverythingHttpTest,
    testing::Values(Carrier{"StreamableHttp", "streamableHttp", "/mcp", "", "listening on port "},
                    Carrier{"Sse", "sse", "/sse", "sse", "running on port "},
                    Carrier{"SseByFallback", "sse", "/sse", "", "running on port "}),
    [](const auto& carrier) { return carrier.param.name; });

}  // namespace
}  // namespace mcpwire::test
