// SPDX-License-Identifier: MIT
//
// Requests of MCP other than tools/call: what is relayed, what is not, and how each ends.
#include "tests/daemon/support/daemon_fixture.hpp"
#include "tests/daemon/support/message_payloads.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::Method;
using protocol::Outcome;
using protocol::mcp::Revision;
using test_support::FakeMcpTransport;
using test_support::message_payload;
using test_support::MessageArguments;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RpcRequestTest : public DaemonTest {
 protected:
  static constexpr std::uint64_t kFeatures = protocol::feature::kMessages;

  RpcRequestTest() {
    configure({"files"});
    factory.prepare = [this](Server& started) {
      started.transport.info.capabilities_json = capabilities;
      started.transport.info.revision = revision;
    };
  }
  std::uint64_t send(TestClient& client, const MessageArguments& message) {
    const std::uint64_t id = client.request(Method::kRequest, message_payload(message));
    settle();
    return id;
  }
  Answer ask_for(TestClient& client, const MessageArguments& message) {
    return ask(client, Method::kRequest, message_payload(message));
  }
  FakeMcpTransport& server(std::size_t index = 0) { return factory.transport(index); }

  std::string capabilities = R"({"resources":{"subscribe":true},"prompts":{},"tools":{}})";
  Revision revision = Revision::k2025_11_25;
};

TEST_F(RpcRequestTest, IsRelayedAndAnsweredAsACallIs) {
  TestClient& client = connect_configured(kFeatures);
  const std::uint64_t id = send(client, {});
  EXPECT_EQ(server().waiting_method(0), "resources/read");
  EXPECT_EQ(server().waiting_params(0), R"({"uri":"a"})");
  server().answer_ok(0, R"({ "contents":[] })");
  settle();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
  EXPECT_EQ(client.answer(id)->payload, R"({ "contents":[] })");
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "sending", "sent", "answer", "done"));
}

TEST_F(RpcRequestTest, AnErrorOfTheServerPassesUntouched) {
  TestClient& client = connect_configured(kFeatures);
  const std::uint64_t id = send(client, {});
  server().answer_error(0, R"({"code":-32602,"message":"no"})");
  settle();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kPeerError);
  EXPECT_EQ(client.answer(id)->payload, R"({"code":-32602,"message":"no"})");
}

TEST_F(RpcRequestTest, WhatNoClientMaySendIsRejectedWithoutAServer) {
  TestClient& client = connect_configured(kFeatures);
  for (const char* method :
       {"initialize", "no/such", "sampling/createMessage", "", "resources/subscribe",
        "resources/unsubscribe", "notifications/cancelled"}) {
    const Answer answer = ask_for(client, {.method = method});
    EXPECT_EQ(answer.outcome, Outcome::kRejected) << method;
    EXPECT_EQ(answer.failure().error.code, ErrorCode::kUnknownMethod) << method;
    EXPECT_THAT(answer.failure().error.message(), HasSubstr(method));
  }
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(RpcRequestTest, WhatTheServerDoesNotOfferIsRejectedWithoutBeingSent) {
  TestClient& client = connect_configured(kFeatures);
  const Answer undeclared = ask_for(client, {.method = "completion/complete"});
  EXPECT_EQ(undeclared.outcome, Outcome::kRejected);
  EXPECT_THAT(undeclared.failure().error.message(), HasSubstr("'completions'"));
  const Answer other_era = ask_for(client, {.method = "server/discover"});
  EXPECT_EQ(other_era.outcome, Outcome::kRejected);
  EXPECT_THAT(other_era.failure().error.message(), HasSubstr("2025-11-25"));
  EXPECT_EQ(server().sent(), 0U);
}

TEST_F(RpcRequestTest, AnExtensionMustBeDeclaredByItsName) {
  revision = Revision::k2026_07_28;
  capabilities = R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})";
  TestClient& client = connect_configured(kFeatures);
  send(client, {.method = "tasks/get", .params = R"({"taskId":"1"})"});
  EXPECT_EQ(server().waiting(), 1U);
  const Answer answer = ask_for(client, {.method = "skills/list", .params = {}});
  EXPECT_EQ(answer.outcome, Outcome::kRejected);
  EXPECT_THAT(answer.failure().error.message(), HasSubstr("io.modelcontextprotocol/skills"));
  server().answer_ok(0, "{}");
  settle();
}

TEST_F(RpcRequestTest, ParametersThatAreNoObjectAreRejected) {
  TestClient& client = connect_configured(kFeatures);
  for (const char* text : {"[]", "{", "{} {}", "1", R"({"a":1}})"}) {
    EXPECT_EQ(ask_for(client, {.params = text}).outcome, Outcome::kRejected) << text;
    EXPECT_EQ(ask_for(client, {.meta = text}).outcome, Outcome::kRejected) << text;
  }
  EXPECT_EQ(ask_for(client, {.params = R"({"_meta":{}})", .meta = "{}"}).outcome,
            Outcome::kRejected);
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(RpcRequestTest, TheCallersMetaTravelsBesideTheParameters) {
  TestClient& client = connect_configured(kFeatures);
  send(client, {.meta = R"({"x":[1, 2]})"});
  EXPECT_EQ(server().waiting_meta(0), R"({"x":[1, 2]})");
  send(client, {.params = R"({"_m\u0065ta":{"y":1},"uri":"a"})"});
  EXPECT_EQ(server().waiting_meta(1), R"({"y":1})");
  EXPECT_EQ(server().waiting_params(1), R"({"uri":"a"})");
  server().answer_ok(0, "{}");
  server().answer_ok(1, "{}");
  settle();
}

TEST_F(RpcRequestTest, TheTraceContextGoesWithTheRequestUnlessTheCallerHasHisOwn) {
  TestClient& client = connect_configured(kFeatures);
  send(client, {.meta = R"({"x":1})", .trace = 0xab});
  EXPECT_EQ(server().waiting_meta(0),
            R"({"traceparent":"00-abababababababababababababababab-abababababababab-01","x":1})");
  send(client, {.meta = R"({"traceparent":"mine"})", .trace = 0xab});
  EXPECT_EQ(server().waiting_meta(1), R"({"traceparent":"mine"})");
  send(client, {.trace = 0});
  EXPECT_EQ(server().waiting_meta(2), "");
  for (std::size_t index = 0; index < 3; ++index) server().answer_ok(index, "{}");
  settle();
}

TEST_F(RpcRequestTest, AllPagesComeAsOneResult) {
  TestClient& client = connect_configured(kFeatures);
  const std::uint64_t id =
      send(client, {.method = "resources/list", .params = {}, .pages = protocol::Pages::kAll});
  server().answer_ok(0, R"({"resources":[1],"nextCursor":""})");
  settle();
  EXPECT_EQ(server().waiting_params(0), R"({"cursor":""})");
  server().answer_ok(0, R"({"resources":[2]})");
  settle();
  EXPECT_EQ(client.answer(id)->payload, R"({"resources":[1,2]})");
}

TEST_F(RpcRequestTest, WhatIsSafeToRepeatIsSentOnceMoreAfterItsServerWasLost) {
  TestClient& client = connect_configured(kFeatures);
  const std::uint64_t id = send(client, {});
  const Error crash = Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited);
  server(0).lose(crash);
  settle();
  ASSERT_EQ(factory.count(), 2U);
  server(1).lose(crash);
  settle();
  EXPECT_EQ(factory.count(), 2U) << "once is enough";
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kUnknown);
}

TEST_F(RpcRequestTest, AToolCallIsNeverRepeatedHoweverItWasSent) {
  TestClient& client = connect_configured(kFeatures);
  const std::uint64_t id = send(client, {.method = "tools/call", .params = R"({"name":"x"})"});
  server(0).lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  settle();
  EXPECT_EQ(factory.count(), 1U);
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kUnknown);
}

TEST_F(RpcRequestTest, WithoutTheFeatureItIsAViolation) {
  TestClient& client = connect_configured();
  client.request(Method::kRequest, message_payload({}));
  settle();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(counters.violations, 1U);
}

TEST_F(RpcRequestTest, IsRejectedAtEachLengthThatIsTooShort) {
  TestClient& client = connect_configured(kFeatures);
  const std::string whole = message_payload({});
  for (std::size_t bytes = 0; bytes < whole.size(); bytes += 7) {
    EXPECT_EQ(ask(client, Method::kRequest, whole.substr(0, bytes)).outcome, Outcome::kRejected);
  }
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(RpcRequestTest, ClientsOfTheFirstVersionStillCall) {
  TestClient& client = connect_configured();
  std::string payload = test_support::call_payload({});
  // Their struct ended before the abilities; the ranges moved up with it.
  protocol::CallToolRequest old{};
  const std::size_t bytes = offsetof(protocol::CallToolRequest, abilities);
  std::memcpy(&old, payload.data(), sizeof(old));
  old.struct_bytes = static_cast<std::uint32_t>(bytes);
  for (protocol::ByteRange* range : {&old.server, &old.tool, &old.arguments}) range->offset -= 16;
  payload = std::string(as_text(object_bytes(old)).substr(0, bytes)) + payload.substr(sizeof(old));
  client.request(Method::kCallTool, payload);
  settle();
  ASSERT_EQ(server().waiting(), 1U);
  EXPECT_EQ(server().waiting_params(0), R"({"name":"read","arguments":{}})");
  server().answer_ok(0, "{}");
  settle();
}

}  // namespace
}  // namespace mcpwire::daemon
