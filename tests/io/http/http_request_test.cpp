// SPDX-License-Identifier: MIT
//
// Requests of an open conversation: answers, headers, outcomes, cancellation.
#include "tests/io/http/http_transport_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::ClientAbility;

class HttpRequestTest : public HttpTransportTest {};

struct Seen final : SendObserver, ProgressSink {
  bool may_send() override {
    ++asked;
    return allow;
  }
  void on_sent() override { ++sent; }
  void on_progress(std::string_view params) override { progress.emplace_back(params); }
  bool allow = true;
  int asked = 0;
  int sent = 0;
  std::vector<std::string> progress;
};

TEST_F(HttpRequestTest, AModernCallHasItsHeadersAndMeta) {
  open_modern();
  HttpTestCall& made_call = call("tools/call", R"({"name":"caf\u00e9","arguments":{}})",
                                 {.abilities = ClientAbility::kRoots});
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "2026-07-28");
  EXPECT_EQ(last().header("Mcp-Method"), "tools/call");
  EXPECT_EQ(last().header("Mcp-Name"), "=?base64?Y2Fmw6k=?=");
  EXPECT_EQ(last().request.repeat, HttpRepeat::kNever);
  const std::string body = last().body();
  EXPECT_NE(body.find(R"("io.modelcontextprotocol/protocolVersion":"2026-07-28")"), body.npos);
  EXPECT_NE(body.find(R"("io.modelcontextprotocol/clientCapabilities":{"roots":{)"), body.npos);
  EXPECT_FALSE(body.ends_with('\n'));
  answer(R"({"resultType":"complete","content":[]})");
  EXPECT_EQ(outcome_of(made_call), Outcome::kOk);
  EXPECT_EQ(made_call.reply->body, R"({"resultType":"complete","content":[]})");
}

TEST_F(HttpRequestTest, MethodsNameWhatTheyAreAbout) {
  open_modern();
  call("resources/read", R"({"uri":"file:///a b"})");
  EXPECT_EQ(last().header("Mcp-Name"), "file:///a b");
  EXPECT_EQ(last().request.repeat, HttpRepeat::kAllowed);
  call("prompts/get", R"({"name":"p"})");
  EXPECT_EQ(last().header("Mcp-Name"), "p");
  call("tools/list");
  EXPECT_EQ(last().header("Mcp-Name"), "(none)");
}

TEST_F(HttpRequestTest, ALegacyCallHasItsSessionAndNoModernHeaders) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "2025-11-25");
  EXPECT_EQ(last().header("Mcp-Session-Id"), "one");
  EXPECT_EQ(last().header("Mcp-Method"), "(none)");
  EXPECT_EQ(last().body().find("_meta"), std::string::npos);
  answer("{}");
  EXPECT_EQ(outcome_of(made_call), Outcome::kOk);
}

TEST_F(HttpRequestTest, AnAnswerMayBeAStreamOfEvents) {
  open_modern();
  Seen seen;
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})", {.progress = &seen});
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.feed(": keep-alive\n\n");
  exchange.event(
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
      id_of(exchange) + R"(,"progress":1}})");
  exchange.event(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"a":1}})");
  exchange.event(R"({"jsonrpc":"2.0","id":)" + id_of(exchange) + R"(,"result":{"r":1}})");
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kOk);
  EXPECT_EQ(seen.progress.size(), 1U);
  EXPECT_EQ(notifications, std::vector<std::string>{R"(notifications/message {"a":1})"});
  // The stream's end is awaited, so that its connection can be used again.
  EXPECT_TRUE(exchange.is_live());
  exchange.finish();
}

TEST_F(HttpRequestTest, AStreamThatDoesNotEndAfterItsAnswerIsCutOff) {
  open_modern();
  call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.event(R"({"jsonrpc":"2.0","id":)" + id_of(exchange) + R"(,"result":{}})");
  loop.run_until_idle();
  ASSERT_TRUE(exchange.is_live());
  loop.advance_ns(2 * kNanosecondsPerSecond);
  EXPECT_TRUE(exchange.is_given_up);
}

TEST_F(HttpRequestTest, AFloodBehindTheAnswerIsCutOff) {
  open_modern();
  call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  exchange.event(R"({"jsonrpc":"2.0","id":)" + id_of(exchange) + R"(,"result":{}})");
  loop.run_until_idle();
  exchange.feed(std::string(100'000, 'x'));
  EXPECT_TRUE(exchange.is_given_up);
}

TEST_F(HttpRequestTest, TheObserverIsAskedRightBeforeTheRequestGoesOut) {
  open_modern();
  Seen seen;
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})", {.observer = &seen});
  EXPECT_EQ(seen.asked, 0);
  ASSERT_TRUE(last().go_out());
  EXPECT_EQ(seen.asked, 1);
  EXPECT_EQ(seen.sent, 0);
  last().head(200, kJson);
  EXPECT_EQ(seen.sent, 1);
  last().fail(ErrorKind::kDisconnected, true);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
}

TEST_F(HttpRequestTest, WhatTheObserverTakesBackIsNotSent) {
  open_modern();
  Seen seen;
  seen.allow = false;
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})", {.observer = &seen});
  EXPECT_FALSE(last().go_out());
  last().fail(ErrorKind::kCancelled, false);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kNotSent);
  EXPECT_FALSE(made_call.reply->may_have_been_sent);
}

TEST_F(HttpRequestTest, TheLineBetweenNotSentAndUnknown) {
  open_modern();
  HttpTestCall& refused = call("tools/call", R"({"name":"x"})");
  last().fail(ErrorKind::kDisconnected, false);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(refused), Outcome::kNotSent);

  HttpTestCall& nothing_taken = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  last().fail(ErrorKind::kDisconnected, false);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(nothing_taken), Outcome::kNotSent);

  HttpTestCall& broken = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  last().fail(ErrorKind::kDisconnected, true);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(broken), Outcome::kUnknown);
  EXPECT_TRUE(broken.reply->may_have_been_sent);
}

TEST_F(HttpRequestTest, AStreamThatEndsWithoutTheAnswerIsUnknownInTheModernEra) {
  open_modern();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  last().stream();
  last().feed("id: 5\ndata:\n\n");
  last().finish();
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
  EXPECT_EQ(made(), 2U) << "no revision without resumption may go on";
}

TEST_F(HttpRequestTest, AnErrorWithoutIdIsTheAnswerToTheRequestItCameTo) {
  open_modern();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 400, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}})");
  EXPECT_EQ(outcome_of(made_call), Outcome::kPeerError);
  EXPECT_EQ(made_call.reply->body, R"({"code":-32600,"message":"no"})");
}

TEST_F(HttpRequestTest, AnAnswerToAnotherIdIsNoAnswer) {
  open_modern();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 200, R"({"jsonrpc":"2.0","id":9999,"result":{}})");
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
  EXPECT_EQ(transport->counters().unmatched_responses, 1U);
}

TEST_F(HttpRequestTest, AMessageOverTheLimitIsUnknown) {
  open_modern({.limits = {.message_bytes_max = 1000}});
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.head(200, kJson);
  exchange.feed(std::string(600, ' '));
  exchange.feed(std::string(600, ' '));
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
  EXPECT_EQ(made_call.reply->error.code, ErrorCode::kTooLarge);
  EXPECT_TRUE(exchange.is_given_up);
}

TEST_F(HttpRequestTest, TooManyRequestsAtOnceAreRejected) {
  open_modern({.requests_max = 2});
  call("tools/list");
  call("tools/list");
  HttpTestCall& third = call("tools/list");
  EXPECT_EQ(outcome_of(third), Outcome::kRejected);
  EXPECT_EQ(third.reply->error.kind, ErrorKind::kOverloaded);
}

TEST_F(HttpRequestTest, BodiesThatWaitAreBounded) {
  open_modern({.limits = {.queue_bytes_max = 3000}});
  const std::string params = R"({"name":")" + std::string(2000, 'x') + R"("})";
  call("tools/call", params);
  FakeExchange& first = last();
  HttpTestCall& second = call("tools/call", params);
  EXPECT_EQ(outcome_of(second), Outcome::kRejected);
  // Once the server has taken the first, there is room again.
  ASSERT_TRUE(first.go_out());
  first.head(200, kJson);
  HttpTestCall& third = call("tools/call", params);
  EXPECT_FALSE(third.is_done());
  HttpTestCall& huge = call("tools/list", R"({"cursor":")" + std::string(9000, 'x') + R"("})");
  EXPECT_EQ(outcome_of(huge), Outcome::kRejected);
}

TEST_F(HttpRequestTest, ASingleBodyMayBeLargerThanTheQueue) {
  open_modern({.limits = {.queue_bytes_max = 100}});
  HttpTestCall& huge = call("tools/list", R"({"cursor":")" + std::string(9000, 'x') + R"("})");
  EXPECT_FALSE(huge.is_done());
}

TEST_F(HttpRequestTest, AServerThatHasBecomeALegacyOneIsOpenedAnew) {
  FakeVerdicts verdicts;
  open_modern({.verdicts = &verdicts});
  EXPECT_TRUE(verdicts.kept.contains("id"));
  HttpTestCall& first = call("tools/call", R"({"name":"x"})");
  FakeExchange& first_exchange = last();
  HttpTestCall& refused = call("tools/call", R"({"name":"y"})");
  reply(
      last(), 400,
      R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"Server not initialized"},"id":null})");
  EXPECT_EQ(outcome_of(refused), Outcome::kPeerError);
  EXPECT_FALSE(transport->is_open());
  EXPECT_FALSE(verdicts.kept.contains("id"));
  answer(first_exchange, "{}");
  EXPECT_EQ(outcome_of(first), Outcome::kOk) << "what is in flight goes on";
}

TEST_F(HttpRequestTest, AModernRefusalIsNoSignOfAnotherEra) {
  open_modern();
  HttpTestCall& refused = call("tools/call", R"({"name":"y"})");
  answer_error(last(), 404, R"({"code":-32601,"message":"Method not found"})");
  EXPECT_EQ(outcome_of(refused), Outcome::kPeerError);
  EXPECT_TRUE(transport->is_open());
}

// --- Cancellation ----------------------------------------------------------------------------

TEST_F(HttpRequestTest, InTheModernEraClosingTheStreamIsTheCancellation) {
  open_modern();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  made_call.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kCancelled);
  EXPECT_TRUE(exchange.is_given_up);
  EXPECT_EQ(made(), 2U) << "nothing is POSTed";
}

TEST_F(HttpRequestTest, InTheLegacyEraTheServerIsToldAndThenTheStreamClosed) {
  open_legacy();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  FakeExchange& exchange = last();
  ASSERT_TRUE(exchange.go_out());
  exchange.stream();
  made_call.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kCancelled);
  EXPECT_TRUE(exchange.is_given_up);
  EXPECT_NE(last().body().find("notifications/cancelled"), std::string::npos);
  EXPECT_NE(last().body().find("\"requestId\":" + id_of(exchange)), std::string::npos);
  reply(last(), 202, "");
}

TEST_F(HttpRequestTest, WhatWasNotSentNeedsNoCancellation) {
  open_legacy();
  const std::size_t before = made();
  HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  made_call.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(made_call), Outcome::kCancelled);
  EXPECT_FALSE(made_call.reply->may_have_been_sent);
  EXPECT_EQ(made(), before + 1);
}

TEST_F(HttpRequestTest, ADeadlineEndsACallAsUnknown) {
  open_modern();
  HttpTestCall& made_call =
      call("tools/call", R"({"name":"x"})", {.deadline_ns = loop.now_ns() + kNanosecondsPerSecond});
  ASSERT_TRUE(last().go_out());
  loop.advance_ns(kNanosecondsPerSecond);
  EXPECT_EQ(outcome_of(made_call), Outcome::kUnknown);
  EXPECT_TRUE(last().is_given_up);
}

TEST_F(HttpRequestTest, CloseEndsWhatIsInFlight) {
  open_modern();
  HttpTestCall& sent = call("tools/call", R"({"name":"x"})");
  ASSERT_TRUE(last().go_out());
  HttpTestCall& waiting = call("tools/call", R"({"name":"x"})");
  TearDown();
  EXPECT_EQ(outcome_of(sent), Outcome::kUnknown);
  EXPECT_EQ(outcome_of(waiting), Outcome::kNotSent);
}

TEST_F(HttpRequestTest, CloseEndsTheSession) {
  open_legacy();
  const std::size_t before = made();
  TearDown();
  ASSERT_EQ(made(), before + 1);
  EXPECT_EQ(last().request.method, HttpMethod::kDelete);
  EXPECT_EQ(last().header("Mcp-Session-Id"), "one");
}

// --- Marks of tools --------------------------------------------------------------------------

constexpr std::string_view kTools =
    R"({"resultType":"complete","ttlMs":0,"cacheScope":"public","tools":[)"
    R"({"name":"bad","inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}},)"
    R"({"name":"good","inputSchema":{"properties":{"r":{"type":"string",)"
    R"("x-mcp-header":"Region"}}}}]})";

TEST_F(HttpRequestTest, ListsLeaveOutToolsWithInvalidMarks) {
  open_modern();
  HttpTestCall& list = call("tools/list");
  answer(kTools);
  ASSERT_EQ(outcome_of(list), Outcome::kOk);
  EXPECT_EQ(list.reply->body.view().find("\"bad\""), std::string_view::npos);
  EXPECT_NE(list.reply->body.view().find("\"good\""), std::string_view::npos);
  EXPECT_EQ(transport->counters().hidden_tools, 1U);
  call("tools/call", R"({"name":"good","arguments":{"r":"eu"}})");
  EXPECT_EQ(last().header("Mcp-Param-Region"), "eu");
}

TEST_F(HttpRequestTest, InTheLegacyEraMarksMeanNothing) {
  open_legacy();
  HttpTestCall& list = call("tools/list");
  answer(kTools);
  EXPECT_EQ(list.reply->body, kTools);
}

TEST_F(HttpRequestTest, AHeaderMismatchReadsTheToolsAnewAndIsSentOnceMore) {
  open_modern();
  HttpTestCall& made_call = call("tools/call", R"({"name":"good","arguments":{"r":"eu"}})");
  EXPECT_EQ(last().header("Mcp-Param-Region"), "(none)");
  answer_error(last(), 400, R"({"code":-32020,"message":"mismatch"})");
  EXPECT_EQ(last().header("Mcp-Method"), "tools/list");
  EXPECT_FALSE(made_call.is_done());
  answer(kTools);
  EXPECT_EQ(last().header("Mcp-Method"), "tools/call");
  EXPECT_EQ(last().header("Mcp-Param-Region"), "eu");
  answer_error(last(), 400, R"({"code":-32020,"message":"mismatch"})");
  EXPECT_EQ(outcome_of(made_call), Outcome::kPeerError) << "once, not for ever";
}

TEST_F(HttpRequestTest, CallsShareOneReadingOfTheTools) {
  open_modern();
  call("tools/call", R"({"name":"good","arguments":{"r":"a"}})");
  FakeExchange& first = last();
  call("tools/call", R"({"name":"good","arguments":{"r":"b"}})");
  FakeExchange& second = last();
  answer_error(first, 400, R"({"code":-32020,"message":"mismatch"})");
  answer_error(second, 400, R"({"code":-32020,"message":"mismatch"})");
  ASSERT_EQ(made(), 4U);
  answer(kTools);
  ASSERT_EQ(made(), 6U);
  EXPECT_EQ(at(4).header("Mcp-Param-Region"), "a");
  EXPECT_EQ(at(5).header("Mcp-Param-Region"), "b");
}

}  // namespace
}  // namespace mcpwire::io
