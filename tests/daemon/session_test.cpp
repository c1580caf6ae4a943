// SPDX-License-Identifier: MIT
//
// One client: hello, ping, status, what breaks the protocol, and the ends of a session.
#include "daemon/session.hpp"

#include "protocol/version.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using test_support::call_payload;
using test_support::list_payload;
using ::testing::HasSubstr;

class SessionTest : public DaemonTest {};

TEST_F(SessionTest, PingGivesTheSameBytesBack) {
  TestClient& client = connect();
  const std::string bytes("any\0bytes\xff", 10);
  const Answer pong = ask(client, Method::kPing, bytes);
  EXPECT_EQ(pong.kind, FrameKind::kResponse);
  EXPECT_EQ(pong.outcome, Outcome::kOk);
  EXPECT_EQ(pong.payload, bytes);
}

TEST_F(SessionTest, StatusNeedsNoConfigurationAndCountsTheAskingClient) {
  TestClient& client = connect();
  connect();
  advance(5 * kSecond);
  const Answer answer = ask(client, Method::kStatus);
  const protocol::PayloadReader reader(as_bytes(answer.payload));
  const auto status = reader.fixed<protocol::StatusReply>();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->uptime_ns, 5 * kSecond);
  EXPECT_EQ(status->clients, 2U);
  EXPECT_EQ(status->servers, 0U);
  EXPECT_EQ(status->kernel_features, 3U);
  EXPECT_EQ(reader.text(status->daemon_version), kVersion);
  EXPECT_EQ(reader.text(status->runtime_directory), "/run/user/1000/mcpwire");
  EXPECT_EQ(reader.text(status->io_backend), "epoll");
  EXPECT_EQ(reader.text(status->warning), "no io_uring");
}

TEST_F(SessionTest, ShutdownIsAnsweredAndPassedOnOnce) {
  TestClient& client = connect();
  EXPECT_EQ(ask(client, Method::kShutdown).outcome, Outcome::kOk);
  EXPECT_EQ(shutdown_requests, 1);
}

TEST_F(SessionTest, WithoutAConfigurationServersAreRefusedAndNothingElse) {
  TestClient& client = connect();
  client.hello({}, {});
  for (const Method method : {Method::kListServers, Method::kListTools, Method::kCallTool}) {
    const std::string payload = method == Method::kCallTool ? call_payload({}) : list_payload("");
    const Answer answer = ask(client, method, payload);
    EXPECT_EQ(answer.outcome, Outcome::kRejected);
    EXPECT_EQ(answer.failure().error.code, ErrorCode::kConfigMissing);
  }
  EXPECT_EQ(ask(client, Method::kPing).outcome, Outcome::kOk);
}

TEST_F(SessionTest, ListServersTellsStatesInTheOrderOfTheFile) {
  configure({"web", "files"});
  TestClient& client = connect_configured();
  ask(client, Method::kListServers);
  {
    const std::uint64_t call = client.request(Method::kCallTool, call_payload({}));
    settle();
    factory.transport(0).answer_ok(0, "{}");
    settle();
    EXPECT_TRUE(client.answer(call).has_value());
  }
  const Answer answer = ask(client, Method::kListServers);
  const protocol::PayloadReader reader(as_bytes(answer.payload));
  const auto reply = reader.fixed<protocol::ListServersReply>();
  ASSERT_TRUE(reply.has_value());
  const auto entries = reader.array<protocol::ServerEntry>(reply->entries, reply->entry_bytes);
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ(reader.text((*entries)[0].name), "web");
  EXPECT_EQ((*entries)[0].state, protocol::ServerState::kConfigured);
  EXPECT_EQ(reader.text((*entries)[1].name), "files");
  EXPECT_EQ((*entries)[1].state, protocol::ServerState::kReady);
  EXPECT_EQ((*entries)[1].calls, 1U);
  EXPECT_EQ(reader.text((*entries)[1].detail), "fake 1.0");
}

TEST_F(SessionTest, ListServersShowsWhyAServerCannotBeUsed) {
  configure({"files"});
  files.remove("/opt/files");
  TestClient& client = connect_configured();
  const Answer answer = ask(client, Method::kListServers);
  const protocol::PayloadReader reader(as_bytes(answer.payload));
  const auto reply = reader.fixed<protocol::ListServersReply>();
  ASSERT_TRUE(reply.has_value());
  const auto entries = reader.array<protocol::ServerEntry>(reply->entries, reply->entry_bytes);
  ASSERT_TRUE(entries.has_value() && entries->size() == 1);
  EXPECT_EQ(entries->front().state, protocol::ServerState::kFailed);
  EXPECT_THAT(std::string(*reader.text(entries->front().detail)), HasSubstr("/opt/files"));
}

TEST_F(SessionTest, AClientThatGoesEndsItsSession) {
  TestClient& client = connect();
  client.disconnect();
  settle();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(counters.clients, 0U);
  EXPECT_EQ(counters.connections, 1U);
}

TEST_F(SessionTest, StopClosesTheChannelAndRefusesWhatStillComes) {
  TestClient& client = connect();
  client.session().stop();
  const std::uint64_t late = client.request(Method::kPing);
  settle();
  EXPECT_TRUE(client.has_ended());
  EXPECT_TRUE(client.channel.was_closed());
  EXPECT_FALSE(client.answer(late).has_value());
}

TEST_F(SessionTest, StopTellsTheCallersOfRequestsUnderWay) {
  configure({"files"});
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  TestClient& client = connect_configured();
  const std::uint64_t call = client.request(Method::kCallTool, call_payload({}));
  const std::uint64_t list = client.request(Method::kListTools, list_payload(""));
  settle();
  client.session().stop();
  settle();
  EXPECT_TRUE(client.has_ended());
  EXPECT_TRUE(client.channel.was_closed());
  for (const std::uint64_t correlation : {call, list}) {
    const std::optional<Answer> answer = client.answer(correlation);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->outcome, Outcome::kNotSent);
    EXPECT_EQ(answer->failure().error.code, ErrorCode::kShuttingDown);
    EXPECT_FALSE(answer->failure().may_have_been_sent);
  }
}

TEST_F(SessionTest, MoreRequestsThanAClientMayHaveUnderWayAreRefused) {
  configure({"files"});
  TestClient& client = connect_configured();
  for (std::size_t number = 0; number < protocol::kCallWindow; ++number) {
    client.request(Method::kCallTool, call_payload({}));
  }
  settle();
  ASSERT_EQ(factory.transport(0).waiting(), protocol::kCallWindow);
  const Answer refused = ask(client, Method::kCallTool, call_payload({}));
  EXPECT_EQ(refused.outcome, Outcome::kRejected);
  EXPECT_EQ(refused.failure().error.kind, ErrorKind::kOverloaded);
  EXPECT_EQ(ask(client, Method::kPing).outcome, Outcome::kOk);
  factory.transport(0).answer_ok(0, "{}");
  settle();
  const std::uint64_t next = client.request(Method::kCallTool, call_payload({}));
  settle();
  EXPECT_EQ(factory.transport(0).waiting(), protocol::kCallWindow);
  EXPECT_FALSE(client.answer(next).has_value());
}

TEST_F(SessionTest, TheBytesOfRequestsUnderWayAreBounded) {
  configure({"files"});
  TestClient& client = connect_configured();
  const std::string large = "{\"x\":\"" + std::string(Session::kRequestBytesMax, 'x') + "\"}";
  const std::string half = "{\"x\":\"" + std::string(Session::kRequestBytesMax / 2, 'x') + "\"}";
  const std::uint64_t alone = client.request(Method::kCallTool, call_payload({.arguments = large}));
  settle();
  EXPECT_FALSE(client.answer(alone).has_value()) << "larger than the limit, but nothing else runs";
  const Answer refused = ask(client, Method::kCallTool, call_payload({}));
  EXPECT_EQ(refused.outcome, Outcome::kRejected);
  EXPECT_EQ(refused.failure().error.kind, ErrorKind::kOverloaded);
  factory.transport(0).answer_ok(0, "{}");
  settle();
  client.request(Method::kCallTool, call_payload({.arguments = half}));
  const std::uint64_t small = client.request(Method::kCallTool, call_payload({}));
  settle();
  EXPECT_FALSE(client.answer(small).has_value());
  EXPECT_EQ(ask(client, Method::kCallTool, call_payload({.arguments = half})).outcome,
            Outcome::kRejected);
}

TEST_F(SessionTest, StopWaitsForAClientThatHasNotTakenItsAnswersYet) {
  TestClient& client = connect();
  client.record.has_unsent = true;
  client.session().stop();
  advance(499 * kNanosecondsPerMillisecond);
  EXPECT_FALSE(client.channel.was_closed());
  client.recording().tell_all_sent();
  settle();
  EXPECT_TRUE(client.channel.was_closed());
  EXPECT_TRUE(client.has_ended());
}

TEST_F(SessionTest, StopWaitsForNoClientLongerThanHalfASecond) {
  TestClient& client = connect();
  TestClient& gone = connect();
  for (TestClient* each : {&client, &gone}) {
    each->record.has_unsent = true;
    each->session().stop();
  }
  settle();
  gone.disconnect();
  settle();
  EXPECT_TRUE(gone.has_ended());
  EXPECT_FALSE(client.channel.was_closed());
  advance(500 * kNanosecondsPerMillisecond);
  EXPECT_TRUE(client.channel.was_closed());
  EXPECT_TRUE(client.has_ended());
}

TEST_F(SessionTest, AnAnswerThatIsTooLargeIsReplacedByOneThatSaysSo) {
  configure({"files"});
  TestClient& client = connect_configured();
  const std::uint64_t call = client.request(Method::kCallTool, call_payload({}));
  settle();
  client.record.refuse_next = Error::of(ErrorKind::kInvalid, ErrorCode::kTooLarge);
  factory.transport(0).answer_ok(0, "{}");
  settle();
  const std::optional<Answer> answer = client.answer(call);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->outcome, Outcome::kUnknown);
  EXPECT_EQ(answer->failure().error.code, ErrorCode::kTooLarge);
  EXPECT_TRUE(answer->failure().may_have_been_sent);
  EXPECT_FALSE(client.has_ended());
  EXPECT_EQ(client.record.events.back(), "done");
}

TEST_F(SessionTest, AListThatIsTooLargeIsRejected) {
  configure({});
  TestClient& client = connect_configured();
  client.record.refuse_next = Error::of(ErrorKind::kInvalid, ErrorCode::kTooLarge);
  const Answer answer = ask(client, Method::kListTools, list_payload(""));
  EXPECT_EQ(answer.outcome, Outcome::kRejected);
  EXPECT_EQ(answer.failure().error.code, ErrorCode::kTooLarge);
}

TEST_F(SessionTest, AClientThatCanBeToldNothingIsClosed) {
  configure({"files"});
  TestClient& client = connect_configured();
  const std::uint64_t call = client.request(Method::kCallTool, call_payload({}));
  settle();
  client.channel.allow_sends(0);
  factory.transport(0).answer_ok(0, "{}");
  settle();
  // The client waits for an answer: it must learn from the end of the connection.
  EXPECT_TRUE(client.has_ended());
  EXPECT_TRUE(client.channel.was_closed());
  EXPECT_EQ(client.answers(call), 0U);
  EXPECT_EQ(counters.undelivered, 1U);
  EXPECT_EQ(client.record.events.back(), "refused");
}

/// A frame that no client may send.
struct Violation {
  const char* name;
  FrameKind kind;
  Method method;
  std::uint64_t correlation;
  std::string payload;
};

void PrintTo(const Violation& violation, std::ostream* out) { *out << violation.name; }

class SessionViolationTest : public DaemonTest, public testing::WithParamInterface<Violation> {};

TEST_P(SessionViolationTest, ClosesThisSessionAndNoOther) {
  const Violation& violation = GetParam();
  TestClient& bad = connect();
  TestClient& good = connect();
  bad.deliver(violation.kind, violation.method, violation.correlation, violation.payload);
  bad.deliver(FrameKind::kRequest, Method::kPing, 99);
  settle();
  EXPECT_TRUE(bad.has_ended());
  EXPECT_TRUE(bad.channel.was_closed());
  EXPECT_TRUE(bad.channel.sent().empty());
  EXPECT_EQ(counters.violations, 1U);
  EXPECT_EQ(log.lost_lines(), 1U);
  EXPECT_EQ(ask(good, Method::kPing).outcome, Outcome::kOk);
}

std::string cut(std::string payload, std::size_t bytes) {
  payload.resize(payload.size() - bytes);
  return payload;
}

std::string hello_with(std::string_view path, std::uint32_t origin) {
  protocol::PayloadBuilder<protocol::HelloRequest> hello;
  hello.fixed.config_origin = static_cast<protocol::ConfigOrigin>(origin);
  hello.fixed.config_path = hello.add(path);
  hello.fixed.working_directory = hello.add("/");
  return hello.take();
}

std::string hello_with_range_outside() {
  protocol::PayloadBuilder<protocol::HelloRequest> hello;
  hello.fixed.config_origin = protocol::ConfigOrigin::kExplicit;
  hello.fixed.config_path = hello.add("/a");
  hello.fixed.working_directory = hello.add("/");
  hello.fixed.environment = {8, 0xffff'ffff};
  return hello.take();
}

const std::string kCancelOfNothing = [] {
  protocol::PayloadBuilder<protocol::CancelEvent> event;
  event.fixed.correlation = 5;
  return event.take();
}();

INSTANTIATE_TEST_SUITE_P(
    Frames, SessionViolationTest,
    testing::Values(
        Violation{"response", FrameKind::kResponse, Method::kPing, 1, ""},
        Violation{"error", FrameKind::kError, Method::kCallTool, 1, ""},
        Violation{"event_ping", FrameKind::kEvent, Method::kPing, 1, ""},
        Violation{"event_progress", FrameKind::kEvent, Method::kProgress, 1, ""},
        Violation{"hello_as_response", FrameKind::kResponse, Method::kHello, 0,
                  hello_with("/a", 1)},
        Violation{"request_cancel", FrameKind::kRequest, Method::kCancel, 1, kCancelOfNothing},
        Violation{"request_progress", FrameKind::kRequest, Method::kProgress, 1, ""},
        Violation{"request_notification", FrameKind::kRequest, Method::kNotification, 1, ""},
        Violation{"event_server_request", FrameKind::kEvent, Method::kServerRequest, 1, ""},
        Violation{"answer_that_nobody_agreed_to", FrameKind::kEvent, Method::kServerAnswer, 0, ""},
        Violation{"request_that_nobody_agreed_to", FrameKind::kRequest, Method::kRequest, 1, ""},
        Violation{"unknown_method", FrameKind::kRequest, static_cast<Method>(77), 1, ""},
        Violation{"correlation_zero", FrameKind::kRequest, Method::kPing, 0, ""},
        Violation{"correlation_too_large", FrameKind::kRequest, Method::kStatus,
                  protocol::kCorrelationMax + 1, ""},
        Violation{"empty_hello", FrameKind::kRequest, Method::kHello, 0, ""},
        Violation{"short_hello", FrameKind::kRequest, Method::kHello, 0, std::string(111, '\x40')},
        Violation{"relative_path", FrameKind::kRequest, Method::kHello, 0, hello_with("a", 1)},
        Violation{"unknown_origin", FrameKind::kRequest, Method::kHello, 0, hello_with("/a", 3)},
        Violation{"range_outside", FrameKind::kRequest, Method::kHello, 0,
                  hello_with_range_outside()},
        Violation{"empty_cancel", FrameKind::kEvent, Method::kCancel, 0, ""},
        Violation{"short_cancel", FrameKind::kEvent, Method::kCancel, 0, cut(kCancelOfNothing, 1)}),
    [](const testing::TestParamInfo<Violation>& param) { return std::string(param.param.name); });

/// Requests whose payload is malformed: answered, for the client may be only confused.
class MalformedRequestTest : public DaemonTest {
 protected:
  void expect_rejected(Method method, const std::string& payload) {
    TestClient& client = connect_configured();
    const Answer answer = ask(client, method, payload);
    EXPECT_EQ(answer.kind, FrameKind::kError);
    EXPECT_EQ(answer.outcome, Outcome::kRejected);
    EXPECT_EQ(answer.failure().error.kind, ErrorKind::kInvalid);
    EXPECT_EQ(factory.count(), 0U);
    EXPECT_EQ(ask(client, Method::kPing).outcome, Outcome::kOk);
  }
};

TEST_F(MalformedRequestTest, CallToolIsRejectedAtEachLengthThatIsTooShort) {
  configure({"files"});
  const std::string whole = call_payload({});
  for (std::size_t bytes = 0; bytes < sizeof(protocol::CallToolRequest); bytes += 5) {
    expect_rejected(Method::kCallTool, whole.substr(0, bytes));
  }
  expect_rejected(Method::kCallTool, cut(whole, 1));
}

TEST_F(MalformedRequestTest, ListToolsIsRejectedAtEachLengthThatIsTooShort) {
  configure({"files"});
  const std::string whole = list_payload("files");
  for (std::size_t bytes = 0; bytes < sizeof(protocol::ListToolsRequest); bytes += 5) {
    expect_rejected(Method::kListTools, whole.substr(0, bytes));
  }
  expect_rejected(Method::kListTools, cut(whole, 1));
}

TEST_F(SessionTest, CancelOfARequestThatIsNotThereDoesNothing) {
  TestClient& client = connect();
  client.cancel(5);
  EXPECT_EQ(ask(client, Method::kPing).outcome, Outcome::kOk);
  EXPECT_EQ(counters.violations, 0U);
}

}  // namespace
}  // namespace mcpwire::daemon
