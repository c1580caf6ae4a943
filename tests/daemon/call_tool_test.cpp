// SPDX-License-Identifier: MIT
//
// tools/call from the client's frame to the server's answer: outcomes, arguments, the order of the
// call's states. What goes wrong on the way: call_tool_failure_test.cpp.
#include "protocol/base/error.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using test_support::call_payload;
using test_support::FakeMcpTransport;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CallToolTest : public DaemonTest {
 protected:
  CallToolTest() { configure({"files", "web"}); }

  std::uint64_t call(TestClient& client, const test_support::CallArguments& arguments = {}) {
    const std::uint64_t correlation = client.request(Method::kCallTool, call_payload(arguments));
    settle();
    return correlation;
  }
  FakeMcpTransport& server() { return factory.transport(0); }
};

TEST_F(CallToolTest, GivesTheServersResultUntouched) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, {.arguments = R"({"path":"/a"})"});
  ASSERT_EQ(server().waiting(), 1U);
  EXPECT_EQ(server().waiting_method(0), "tools/call");
  EXPECT_EQ(server().waiting_params(0), R"({"name":"read","arguments":{"path":"/a"}})");
  const std::string result = R"({ "content":[{"type":"text","text":"x"}] })";
  server().answer_ok(0, result);
  settle();
  const std::optional<Answer> answer = client.answer(id);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, FrameKind::kResponse);
  EXPECT_EQ(answer->outcome, Outcome::kOk);
  EXPECT_EQ(answer->payload, result);
  EXPECT_EQ(counters.calls, 1U);
}

TEST_F(CallToolTest, IsErrorIsTheToolsBusinessAndAnOrdinaryResult) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  server().answer_ok(0, R"({"content":[],"isError":true})");
  settle();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
  EXPECT_EQ(client.answer(id)->payload, R"({"content":[],"isError":true})");
}

TEST_F(CallToolTest, AJsonRpcErrorIsPassedOnUntouched) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  server().answer_error(0, R"({"code":-32602,"message":"no such tool"})");
  settle();
  EXPECT_EQ(client.answer(id)->kind, FrameKind::kError);
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kPeerError);
  EXPECT_EQ(client.answer(id)->payload, R"({"code":-32602,"message":"no such tool"})");
  EXPECT_EQ(client.channel.call_state(id), protocol::CallState::kDone);
}

TEST_F(CallToolTest, TheStatesArePublishedInTheirOrderAndDoneComesAfterTheAnswer) {
  TestClient& client = connect_configured();
  call(client);
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "sending", "sent"));
  server().answer_ok(0, "{}");
  settle();
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "sending", "sent", "answer", "done"));
}

TEST_F(CallToolTest, ACallThatIsRejectedIsNeverSending) {
  TestClient& client = connect_configured();
  call(client, {.server = "nothing"});
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "answer", "done"));
}

TEST_F(CallToolTest, EmptyArgumentsAreAnEmptyObject) {
  TestClient& client = connect_configured();
  call(client, {.arguments = ""});
  EXPECT_EQ(server().waiting_params(0), R"({"name":"read","arguments":{}})");
}

TEST_F(CallToolTest, NewlinesBetweenTokensReachTheServerOnOneLine) {
  TestClient& client = connect_configured();
  call(client, {.arguments = "{\n \"a\" :\r\n[1,\n2] , \"b\":\"\\n\"}"});
  ASSERT_EQ(server().waiting(), 1U);
  EXPECT_THAT(server().waiting_params(0), Not(HasSubstr("\n")));
  EXPECT_THAT(server().waiting_params(0), HasSubstr("\\n"));
}

TEST_F(CallToolTest, TheNameOfTheToolCannotLeaveItsString) {
  TestClient& client = connect_configured();
  call(client, {.tool = "a\",\"x\":\"\n"});
  EXPECT_EQ(server().waiting_params(0), R"({"name":"a\",\"x\":\"\n","arguments":{}})");
}

TEST_F(CallToolTest, ArgumentsThatAreNoJsonAreRejectedBeforeAnyServerStarts) {
  TestClient& client = connect_configured();
  for (const std::string_view arguments :
       {"{", "{}}", "{} {}", "{\"a\":}", "{\"a\":1,}", "\xff", "{\"a\":\"\n\"}", "{},\"id\":1"}) {
    const Answer answer = ask(client, Method::kCallTool, call_payload({.arguments = arguments}));
    EXPECT_EQ(answer.outcome, Outcome::kRejected) << arguments;
    EXPECT_EQ(answer.failure().error.code, ErrorCode::kMalformedJson) << arguments;
    EXPECT_THAT(answer.failure().error.message(), HasSubstr("arguments"));
  }
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(CallToolTest, ArgumentsMustBeAnObject) {
  TestClient& client = connect_configured();
  for (const std::string_view arguments : {"[]", "1", "\"{}\"", "null", "true"}) {
    const Answer answer = ask(client, Method::kCallTool, call_payload({.arguments = arguments}));
    EXPECT_EQ(answer.outcome, Outcome::kRejected) << arguments;
    EXPECT_EQ(answer.failure().error.code, ErrorCode::kArgumentsNotObject) << arguments;
  }
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(CallToolTest, AnUnknownServerIsRejectedWithTheNearestName) {
  TestClient& client = connect_configured();
  const Answer answer = ask(client, Method::kCallTool, call_payload({.server = "fiels"}));
  EXPECT_EQ(answer.outcome, Outcome::kRejected);
  EXPECT_EQ(answer.failure().error.kind, ErrorKind::kNotFound);
  EXPECT_EQ(answer.failure().error.code, ErrorCode::kUnknownServer);
  EXPECT_EQ(answer.failure().error.message(), "unknown server 'fiels'; did you mean 'files'?");
}

TEST_F(CallToolTest, CallsOfOneClientRunSideBySideAndAreAnsweredAsTheyEnd) {
  TestClient& client = connect_configured();
  const std::uint64_t first = call(client);
  const std::uint64_t second = call(client);
  ASSERT_EQ(server().waiting(), 2U);
  server().answer_ok(1, R"({"n":2})");
  settle();
  EXPECT_FALSE(client.answer(first).has_value());
  EXPECT_EQ(client.answer(second)->payload, R"({"n":2})");
  server().answer_ok(0, R"({"n":1})");
  settle();
  EXPECT_EQ(client.answer(first)->payload, R"({"n":1})");
}

TEST_F(CallToolTest, ClientsWithTheSameServerShareItsProcess) {
  TestClient& one = connect_configured();
  TestClient& other = connect_configured();
  const std::uint64_t first = call(one);
  const std::uint64_t second = call(other);
  EXPECT_EQ(factory.count(), 1U);
  ASSERT_EQ(server().waiting(), 2U);
  server().answer_ok(0, R"({"n":1})");
  server().answer_ok(1, R"({"n":2})");
  settle();
  EXPECT_EQ(one.answer(first)->payload, R"({"n":1})");
  EXPECT_EQ(other.answer(second)->payload, R"({"n":2})");
}

TEST_F(CallToolTest, ManyCallsAtTheSameTimeStartTheServerOnce) {
  factory.prepare = [](Server& started) { started.transport.hold_open(); };
  TestClient& client = connect_configured();
  for (int number = 0; number < 20; ++number) client.request(Method::kCallTool, call_payload({}));
  settle();
  EXPECT_EQ(factory.count(), 1U);
  server().release_open();
  settle();
  EXPECT_EQ(server().waiting(), 20U);
  EXPECT_EQ(server().opens(), 1U);
}

TEST_F(CallToolTest, ProgressGoesToClientsThatWantIt) {
  TestClient& eager = connect_configured(protocol::feature::kProgress);
  TestClient& calm = connect_configured();
  const std::uint64_t wanted = call(eager);
  call(calm);
  server().progress(0, R"({"progress":1})");
  server().progress(1, R"({"progress":1})");
  settle();
  EXPECT_TRUE(calm.channel.sent().empty());
  ASSERT_EQ(eager.channel.sent().size(), 1U);
  const auto& frame = eager.channel.sent().front();
  EXPECT_EQ(frame.correlation, wanted);
  EXPECT_EQ(frame.header.method, static_cast<std::uint32_t>(Method::kProgress));
  const protocol::PayloadReader reader(as_bytes(frame.payload));
  EXPECT_EQ(reader.text(reader.fixed<protocol::ProgressEvent>()->params), R"({"progress":1})");
}

TEST_F(CallToolTest, SilenceEndsACallAfterTheDefaultTimeAndProgressStartsItAnew) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  advance(50 * kSecond);
  server().progress(0, "{}");
  advance(59 * kSecond);
  EXPECT_FALSE(client.answer(id).has_value());
  advance(kSecond);
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kUnknown);
  EXPECT_TRUE(client.answer(id)->failure().may_have_been_sent);
}

TEST_F(CallToolTest, ProgressWithoutEndDoesNotMoveTheTotalTime) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  for (int step = 0; step < 9; ++step) {
    advance(30 * kSecond);
    server().progress(0, "{}");
  }
  EXPECT_FALSE(client.answer(id).has_value());
  advance(30 * kSecond);
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kUnknown);
}

}  // namespace
}  // namespace mcpwire::daemon
