// SPDX-License-Identifier: MIT
//
// tools/call when something goes wrong: cancellation, deadlines, clients and servers that go. What
// the caller is told must be true: not_sent only where not a byte went to a server, and never a
// second attempt of a call that may have happened.
#include "tests/daemon/support/daemon_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::CallState;
using protocol::Method;
using protocol::Outcome;
using test_support::call_payload;
using test_support::FakeMcpTransport;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CallToolFailureTest : public DaemonTest {
 protected:
  CallToolFailureTest() { configure({"files"}); }

  std::uint64_t call(TestClient& client, std::uint64_t deadline_ns = 0) {
    const std::uint64_t correlation =
        client.request(Method::kCallTool, call_payload({.deadline_ns = deadline_ns}));
    settle();
    return correlation;
  }
  void expect_answer(TestClient& client, std::uint64_t id, Outcome outcome, ErrorCode code,
                     bool may_have_been_sent) {
    const std::optional<Answer> answer = client.answer(id);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->outcome, outcome);
    EXPECT_EQ(answer->failure().error.code, code);
    EXPECT_EQ(answer->failure().may_have_been_sent, may_have_been_sent);
    EXPECT_EQ(client.channel.call_state(id), CallState::kDone);
  }
  FakeMcpTransport& server(std::size_t index = 0) { return factory.transport(index); }
  void hold_opens() {
    factory.prepare = [](Server& started) { started.transport.hold_open(); };
  }
  static Error crash() {
    return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kServerExited,
                              "the server exited with code 3");
  }
};

TEST_F(CallToolFailureTest, ACallThatWasRevokedBeforeItWasSentIsNotSent) {
  hold_opens();
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  client.channel.revoke(id);
  server().release_open();
  settle();
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kCancelledByCaller, false);
  EXPECT_EQ(server().sent(), 0U);
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "revoked", "answer", "done"));
}

TEST_F(CallToolFailureTest, CancelBeforeTheServerIsOpenSendsNothing) {
  hold_opens();
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  client.cancel(id);
  settle();
  expect_answer(client, id, Outcome::kCancelled, ErrorCode::kCancelledByCaller, false);
  server().release_open();
  settle();
  EXPECT_EQ(server().sent(), 0U);
}

TEST_F(CallToolFailureTest, CancelWhileItRunsReachesTheServerAndSaysThatItWasSent) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  const std::uint64_t other = call(client);
  client.cancel(id);
  settle();
  expect_answer(client, id, Outcome::kCancelled, ErrorCode::kCancelledByCaller, true);
  EXPECT_EQ(server().waiting(), 1U);
  EXPECT_FALSE(client.answer(other).has_value());
}

TEST_F(CallToolFailureTest, CancelInTheTurnOfTheAnswerGivesTheAnswer) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  server().answer_ok(0, "{}");
  client.cancel(id);
  settle();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
}

TEST_F(CallToolFailureTest, AClientThatGoesTakesItsCallsWithIt) {
  TestClient& client = connect_configured();
  TestClient& other = connect_configured();
  const std::uint64_t gone = call(client);
  call(other);
  client.disconnect();
  settle();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server().waiting(), 1U);
  EXPECT_EQ(client.answers(gone), 0U);
  EXPECT_EQ(counters.undelivered, 1U);
}

TEST_F(CallToolFailureTest, AClientThatGoesBeforeTheServerIsOpenLeavesItToTheOthers) {
  hold_opens();
  TestClient& client = connect_configured();
  TestClient& other = connect_configured();
  call(client);
  const std::uint64_t stays = call(other);
  client.disconnect();
  settle();
  EXPECT_TRUE(client.has_ended());
  server().release_open();
  settle();
  EXPECT_EQ(server().sent(), 1U);
  server().answer_ok(0, "{}");
  settle();
  EXPECT_EQ(other.answer(stays)->outcome, Outcome::kOk);
}

TEST_F(CallToolFailureTest, ADeadlineBeforeTheServerIsOpenIsProvablyNotSent) {
  hold_opens();
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, loop.now_ns() + 2 * kSecond);
  advance(2 * kSecond - 1);
  EXPECT_FALSE(client.answer(id).has_value());
  advance(1);
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kDeadlineExceeded, false);
  server().release_open();
  settle();
  EXPECT_EQ(server().sent(), 0U);
}

TEST_F(CallToolFailureTest, ADeadlineWhileItRunsIsUnknown) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, loop.now_ns() + 2 * kSecond);
  advance(2 * kSecond);
  expect_answer(client, id, Outcome::kUnknown, ErrorCode::kDeadlineExceeded, true);
}

TEST_F(CallToolFailureTest, TheCallersDeadlineIsTheOnlyLimitWhereItIsLater) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, loop.now_ns() + 1000 * kSecond);
  advance(999 * kSecond);
  EXPECT_FALSE(client.answer(id).has_value());
  server().answer_ok(0, "{}");
  settle();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
}

TEST_F(CallToolFailureTest, ADeadlineThatIsOverAlreadySendsNothing) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, loop.now_ns() - 1);
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kDeadlineExceeded, false);
  for (std::size_t index = 0; index < factory.count(); ++index) EXPECT_EQ(server(index).sent(), 0U);
  // The same with a server that is warm.
  const std::uint64_t warm_up = call(client);
  settle();
  const std::uint64_t late = call(client, loop.now_ns() - 1);
  expect_answer(client, late, Outcome::kNotSent, ErrorCode::kDeadlineExceeded, false);
  EXPECT_EQ(factory.transport(factory.count() - 1).sent(), 1U);
  client.cancel(warm_up);
  settle();
}

TEST_F(CallToolFailureTest, ASessionThatIsStoppedAnswersWhatRuns) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  client.session().stop();
  settle();
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->failure().error.code, ErrorCode::kShuttingDown);
  EXPECT_TRUE(client.answer(id)->failure().may_have_been_sent);
  EXPECT_TRUE(client.has_ended());
}

TEST_F(CallToolFailureTest, AServerThatCannotBeStartedIsNamed) {
  factory.prepare = [](Server& started) {
    started.transport.set_open_result(
        fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed, "no such program"));
  };
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kSpawnFailed, false);
  EXPECT_EQ(client.answer(id)->failure().error.message(), "server 'files': no such program");
  EXPECT_EQ(factory.count(), 1U);
}

TEST_F(CallToolFailureTest, AServerThatExitedBetweenCallsIsStartedAnew) {
  TestClient& client = connect_configured();
  const std::uint64_t first = call(client);
  server().answer_ok(0, "{}");
  settle();
  server().lose(crash());
  settle();
  const std::uint64_t second = call(client);
  ASSERT_EQ(factory.count(), 2U);
  server(1).answer_ok(0, R"({"n":2})");
  settle();
  EXPECT_EQ(client.answer(first)->outcome, Outcome::kOk);
  EXPECT_EQ(client.answer(second)->payload, R"({"n":2})");
}

TEST_F(CallToolFailureTest, ACallThatMayHaveHappenedIsNeverRepeated) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  server().lose(crash());
  settle();
  expect_answer(client, id, Outcome::kUnknown, ErrorCode::kServerExited, true);
  EXPECT_EQ(factory.count(), 1U);
}

/// Servers that begin to end the moment a call is handed to them: provably nothing was sent.
class CallToolRetryTest : public CallToolFailureTest {
 protected:
  /// The first `count` servers take no call although their pool believes them to be open.
  void break_first(std::size_t count) {
    factory.prepare = [this, count](Server& started) {
      if (factory.count() <= count) started.transport.handler = not_sent();
    };
  }
  static FakeMcpTransport::Handler not_sent() {
    return [](std::string_view, std::string_view) {
      return io::RpcReply{Outcome::kNotSent, {}, crash(), false};
    };
  }
};

TEST_F(CallToolRetryTest, WhatWasProvablyNotSentIsTriedAgain) {
  int refusals = 1;
  factory.prepare = [&refusals](Server& started) {
    started.transport.handler = [&refusals](std::string_view,
                                            std::string_view) -> std::optional<io::RpcReply> {
      if (refusals-- > 0) return io::RpcReply{Outcome::kNotSent, {}, crash(), false};
      return io::RpcReply{Outcome::kOk, "{}", {}, true};
    };
  };
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
  EXPECT_EQ(server().sent("tools/call"), 2U);
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "sending", "sent", "claimed", "sending",
                                                "sent", "answer", "done"));
}

TEST_F(CallToolRetryTest, AServerThatIsJustEndingIsReplacedForTheCall) {
  TestClient& client = connect_configured();
  const std::uint64_t first = call(client);
  server().answer_ok(0, "{}");
  settle();
  ASSERT_EQ(client.answer(first)->outcome, Outcome::kOk);
  factory.server(0).is_ending = true;
  const std::uint64_t second = call(client);
  ASSERT_EQ(factory.count(), 2U);
  EXPECT_EQ(server(1).sent("tools/call"), 1U);
  server(1).answer_ok(0, "{}");
  settle();
  EXPECT_EQ(client.answer(second)->outcome, Outcome::kOk);
}

TEST_F(CallToolRetryTest, TheAttemptsAreCounted) {
  break_first(100);
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client);
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kServerExited, false);
  std::size_t attempts = 0;
  for (std::size_t index = 0; index < factory.count(); ++index) {
    attempts += server(index).sent("tools/call");
  }
  EXPECT_EQ(attempts, 3U);
}

TEST_F(CallToolRetryTest, NothingIsTriedAgainAfterTheDeadline) {
  TestClient& client = connect_configured();
  const std::uint64_t warm = call(client);
  server().answer_ok(0, "{}");
  settle();
  ASSERT_TRUE(client.answer(warm).has_value());
  // The first attempt finds the server ending; the fresh one does not open in time.
  hold_opens();
  server().handler = [this](std::string_view, std::string_view) {
    factory.server(0).is_ending = true;
    return io::RpcReply{Outcome::kNotSent, {}, crash(), false};
  };
  const std::uint64_t id = call(client, loop.now_ns() + 2 * kSecond);
  EXPECT_FALSE(client.answer(id).has_value());
  ASSERT_EQ(factory.count(), 2U);
  advance(2 * kSecond);
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kDeadlineExceeded, false);
  server(1).release_open();
  settle();
  EXPECT_EQ(server(1).sent(), 0U);
}

TEST_F(CallToolRetryTest, ACallThatTheCallerTookBackIsNotTriedAgain) {
  TestClient& client = connect_configured();
  client.channel.revoke(1);
  const std::uint64_t id = call(client);
  expect_answer(client, id, Outcome::kNotSent, ErrorCode::kCancelledByCaller, false);
  EXPECT_THAT(client.record.events, ElementsAre("claimed", "revoked", "answer", "done"));
}

}  // namespace
}  // namespace mcpwire::daemon
