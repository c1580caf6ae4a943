// SPDX-License-Identifier: MIT
//
// What only legacy conversations have: sessions that get lost, streams that go on, questions.
#include "tests/io/http/http_transport_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::ClientAbilities;

class HttpLegacyTest : public HttpTransportTest {
 protected:
  /// The answers to a handshake that begins a session anew.
  void begin_session(std::string_view id) {
    ASSERT_NE(last().body().find("\"initialize\""), std::string::npos);
    EXPECT_EQ(last().header("Mcp-Session-Id"), "(none)");
    answer(kInitializeResult, "Mcp-Session-Id: " + std::string(id) + "\r\n");
    ASSERT_NE(last().body().find("notifications/initialized"), std::string::npos);
    reply(last(), 202, "");
  }
  /// With a session and its GET stream, which this is.
  FakeExchange& open_with_get_stream() {
    create({.pinned_era = protocol::mcp::Era::kLegacy});
    start_open();
    answer(kInitializeResult, "Mcp-Session-Id: one\r\n");
    reply(last(), 202, "");
    expect_open();
    FakeExchange& stream = last();
    EXPECT_EQ(stream.request.method, HttpMethod::kGet);
    EXPECT_TRUE(stream.go_out());
    stream.stream();
    return stream;
  }
  /// The exchanges since `first` that carry `text`.
  std::vector<FakeExchange*> carrying(std::string_view text, std::size_t first) {
    std::vector<FakeExchange*> found;
    for (std::size_t index = first; index < made(); ++index) {
      if (at(index).body().find(text) != std::string::npos) found.push_back(&at(index));
    }
    return found;
  }
};

constexpr std::string_view kNoValidSession =
    R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null})";

struct LossCase {
  int status;
  std::string_view body;
};
class LostSessionTest : public HttpLegacyTest, public testing::WithParamInterface<LossCase> {};

TEST_P(LostSessionTest, IsBegunAnewAndTheCallSentAgain) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), GetParam().status, GetParam().body);
  EXPECT_FALSE(made_call.is_done());
  const std::size_t before = made();
  begin_session("two");
  const auto again = carrying("tools/call", before);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0]->header("Mcp-Session-Id"), "two");
  answer(*again[0], "{}");
  EXPECT_EQ(outcome_of(made_call), Outcome::kOk);
}

INSTANTIATE_TEST_SUITE_P(All, LostSessionTest,
                         testing::Values(LossCase{404, ""}, LossCase{404, "<html>"},
                                         LossCase{404,
                                                  R"({"jsonrpc":"2.0","error":{"code":-32001,)"
                                                  R"("message":"Session not found"},"id":null})"},
                                         LossCase{400, kNoValidSession}));

TEST_F(HttpLegacyTest, OtherRefusalsAreNoLostSession) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  answer_error(last(), 400, R"({"code":-32000,"message":"bad arguments"})");
  EXPECT_EQ(outcome_of(made_call), Outcome::kPeerError);
}

TEST_F(HttpLegacyTest, WithoutASessionNoneIsLost) {
  create({.pinned_era = protocol::mcp::Era::kLegacy});
  start_open();
  answer(kInitializeResult);
  reply(last(), 202, "");
  expect_open();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 404, "");
  EXPECT_EQ(outcome_of(made_call), Outcome::kRejected);
}

TEST_F(HttpLegacyTest, CallsShareOneNewSession) {
  open_legacy();
  std::vector<FakeExchange*> first_round;
  for (int index = 0; index < 3; ++index) {
    call("tools/call", R"({"name":"x"})");
    first_round.push_back(&last());
  }
  reply(*first_round[0], 404, "");
  reply(*first_round[1], 404, "");
  // One that comes meanwhile waits as well.
  HttpTestCall& late = call("tools/call", R"({"name":"late"})");
  const std::size_t before = made();
  EXPECT_EQ(carrying("\"initialize\"", 0).size(), 2U);
  begin_session("two");
  EXPECT_EQ(carrying("tools/call", before).size(), 3U);
  // The third hears of it only now, and finds a session that is newer than its own.
  const std::size_t after = made();
  reply(*first_round[2], 404, "");
  ASSERT_EQ(carrying("\"initialize\"", after).size(), 0U);
  ASSERT_EQ(carrying("tools/call", after).size(), 1U);
  for (FakeExchange* exchange : carrying("tools/call", before)) {
    EXPECT_EQ(exchange->header("Mcp-Session-Id"), "two");
    answer(*exchange, "{}");
  }
  for (const HttpTestCall& one : calls) EXPECT_EQ(outcome_of(one), Outcome::kOk);
  EXPECT_EQ(outcome_of(late), Outcome::kOk);
}

TEST_F(HttpLegacyTest, ASessionThatIsLostAtOnceAgainIsToldToTheCaller) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 404, "");
  const std::size_t before = made();
  begin_session("two");
  reply(*carrying("tools/call", before)[0], 404, "");
  EXPECT_EQ(outcome_of(made_call), Outcome::kRejected);
}

TEST_F(HttpLegacyTest, WhereNoNewSessionBeginsTheCallsAreRejected) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 404, "");
  reply(last(), 500, "");
  EXPECT_EQ(outcome_of(made_call), Outcome::kRejected);
  EXPECT_TRUE(transport->is_open());
}

TEST_F(HttpLegacyTest, ADeadlineDuringTheNewHandshakeIsNotSent) {
  open_legacy();
  HttpTestCall& made_call =
      call("tools/call", R"({"name":"x"})", {.deadline_ns = loop.now_ns() + kNanosecondsPerSecond});
  reply(last(), 404, "");
  loop.advance_ns(kNanosecondsPerSecond);
  EXPECT_EQ(outcome_of(made_call), Outcome::kNotSent);
}

// --- Streams that go on ----------------------------------------------------------------------

TEST_F(HttpLegacyTest, ABrokenStreamGoesOnBehindItsLastEventWhenTheServerSaid) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  const std::string id = id_of(exchange);
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.feed("id: e1\nretry: 500\ndata:\n\n");
  exchange.finish();
  const std::size_t before = made();
  loop.advance_ns(499 * kNanosecondsPerMillisecond);
  EXPECT_EQ(made(), before);
  loop.advance_ns(kNanosecondsPerMillisecond);
  ASSERT_EQ(made(), before + 1);
  FakeExchange& resumed = last();
  EXPECT_EQ(resumed.request.method, HttpMethod::kGet);
  EXPECT_EQ(resumed.header("Last-Event-ID"), "e1");
  EXPECT_EQ(resumed.header("Mcp-Session-Id"), "one");
  ASSERT_TRUE(resumed.go_out());
  resumed.stream();
  resumed.event(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"r":2}})", "id: e2\n");
  loop.run_until_idle();
  ASSERT_EQ(outcome_of(made_call), Outcome::kOk);
  EXPECT_EQ(made_call.reply->body, R"({"r":2})");
}

TEST_F(HttpLegacyTest, ABreakInTheMiddleGoesOnToo) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.feed("id: e1\nretry: 10\ndata: {}\n\ndata: {\"half");
  exchange.fail(ErrorKind::kDisconnected, true);
  loop.advance_ns(10 * kNanosecondsPerMillisecond);
  EXPECT_EQ(last().header("Last-Event-ID"), "e1");
  EXPECT_FALSE(made_call.is_done());
}

TEST_F(HttpLegacyTest, WithoutAnEventIdNothingGoesOn) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  last().stream();
  last().finish();
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
}

TEST_F(HttpLegacyTest, ARefusedResumptionEndsTheCallAsUnknown) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  last().stream();
  last().feed("id: e1\ndata:\n\n");
  last().finish();
  loop.advance_to_next_timer();
  reply(last(), 405, "");
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
}

TEST_F(HttpLegacyTest, AResumptionThatBringsNothingIsTriedAFewTimes) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  last().stream();
  last().feed("id: e1\nretry: 5\ndata:\n\n");
  last().finish();
  int attempts = 0;
  while (!made_call.is_done() && attempts < 100) {
    loop.advance_ns(5 * kNanosecondsPerMillisecond);
    if (!last().is_live()) break;
    ++attempts;
    ASSERT_TRUE(last().go_out());
    last().stream();
    last().finish();
    loop.run_until_idle();
  }
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
  EXPECT_EQ(attempts, 5);
}

// --- The stream of what nobody asked for -----------------------------------------------------

TEST_F(HttpLegacyTest, NotificationsComeOnTheGetStreamWhichIsOpenedAnew) {
  FakeExchange& stream = open_with_get_stream();
  stream.event(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})", "id: 9\n");
  EXPECT_EQ(notifications.size(), 1U);
  stream.finish();
  const std::size_t before = made();
  loop.advance_to_next_timer();
  ASSERT_EQ(made(), before + 1);
  EXPECT_EQ(last().header("Last-Event-ID"), "9");
}

TEST_F(HttpLegacyTest, AStreamThatEndsAtOnceAllTheTimeIsOpenedMoreAndMoreRarely) {
  create({.pinned_era = protocol::mcp::Era::kLegacy});
  start_open();
  answer(kInitializeResult, "Mcp-Session-Id: one\r\n");
  reply(last(), 202, "");
  expect_open();
  const std::size_t before = made();
  const std::uint64_t until_ns = loop.now_ns() + 60 * kNanosecondsPerSecond;
  while (loop.now_ns() < until_ns) {
    ASSERT_TRUE(last().go_out());
    last().stream();
    last().feed("retry: 0\n\n");
    last().finish();
    ASSERT_TRUE(loop.advance_to_next_timer());
  }
  EXPECT_LT(made() - before, 30U);
}

// --- Questions -------------------------------------------------------------------------------

struct Asked final : ServerRequestSink {
  void on_server_request(std::unique_ptr<ServerRequest> request) override {
    requests.push_back(std::move(request));
  }
  std::vector<std::unique_ptr<ServerRequest>> requests;
};

constexpr std::string_view kRootsQuestion = R"({"jsonrpc":"2.0","id":"q7","method":"roots/list"})";

TEST_F(HttpLegacyTest, AQuestionOnACallsStreamGoesToItsCallerAndTheAnswerIsPosted) {
  open_legacy();
  Asked asked;
  call("tools/call", R"({"name":"x"})",
       {.abilities = ClientAbilities::all(), .server_requests = &asked});
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.event(kRootsQuestion);
  ASSERT_EQ(asked.requests.size(), 1U);
  EXPECT_EQ(asked.requests[0]->method(), "roots/list");
  const std::size_t before = made();
  asked.requests[0]->answer(R"({"roots":[{"uri":"file:///x"}]})");
  ASSERT_EQ(made(), before + 1);
  EXPECT_EQ(last().body(),
            R"({"jsonrpc":"2.0","id":"q7","result":{"roots":[{"uri":"file:///x"}]}})");
  EXPECT_EQ(last().header("Mcp-Session-Id"), "one");
  reply(last(), 202, "");
}

TEST_F(HttpLegacyTest, AQuestionOnTheGetStreamGoesToTheOnlyCall) {
  FakeExchange& stream = open_with_get_stream();
  Asked asked;
  const RequestOptions options{.abilities = ClientAbilities::all(), .server_requests = &asked};
  call("tools/call", R"({"name":"x"})", options);
  ASSERT_TRUE(last().go_out());
  stream.event(kRootsQuestion);
  ASSERT_EQ(asked.requests.size(), 1U);
  asked.requests[0]->answer(R"({"roots":[]})");
  EXPECT_EQ(last().body(), R"({"jsonrpc":"2.0","id":"q7","result":{"roots":[]}})");
}

TEST_F(HttpLegacyTest, AQuestionOnTheGetStreamThatMayBeAboutTwoCallsIsRefused) {
  FakeExchange& stream = open_with_get_stream();
  Asked asked;
  const RequestOptions options{.abilities = ClientAbilities::all(), .server_requests = &asked};
  for (int index = 0; index < 2; ++index) {
    call("tools/call", R"({"name":"x"})", options);
    ASSERT_TRUE(last().go_out());
  }
  stream.event(kRootsQuestion);
  EXPECT_TRUE(asked.requests.empty());
  EXPECT_NE(last().body().find(R"("id":"q7")"), std::string::npos);
}

TEST_F(HttpLegacyTest, QuestionsThatNobodyCanAnswerAreRefused) {
  open_legacy();
  call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.event(kRootsQuestion);
  EXPECT_NE(last().body().find(R"("id":"q7")"), std::string::npos);
  exchange.event(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  EXPECT_EQ(last().body(), R"({"jsonrpc":"2.0","id":1,"result":{}})");
}

TEST_F(HttpLegacyTest, AFloodOfQuestionsDoesNotGrowUsWithoutEnd) {
  open_legacy();
  call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  const std::size_t before = made();
  for (int index = 0; index < 1000; ++index) {
    exchange.event(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  }
  EXPECT_LE(made() - before, 64U);
}

TEST_F(HttpLegacyTest, AnAnswerAfterTheEndGoesNowhere) {
  open_legacy();
  Asked asked;
  call("tools/call", R"({"name":"x"})",
       {.abilities = ClientAbilities::all(), .server_requests = &asked});
  ASSERT_TRUE(last().go_out());
  last().stream();
  last().event(kRootsQuestion);
  ASSERT_EQ(asked.requests.size(), 1U);
  TearDown();
  const std::size_t before = made();
  asked.requests[0]->answer("{}");
  EXPECT_EQ(made(), before);
}

TEST_F(HttpLegacyTest, BatchesAreTakenApartWhereTheRevisionHasThem) {
  open_legacy({}, R"({"protocolVersion":"2025-03-26","capabilities":{}})");
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "(none)");
  reply(last(), 200,
        R"([{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":)" + id_of(last()) +
            R"(,"result":{}}])");
  EXPECT_EQ(outcome_of(made_call), Outcome::kOk);
  EXPECT_EQ(notifications.size(), 1U);
}

}  // namespace
}  // namespace mcpwire::io
