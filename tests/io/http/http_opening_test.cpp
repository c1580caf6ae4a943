// SPDX-License-Identifier: MIT
//
// The ladder by which a transport finds out what a server over HTTP speaks.
#include "tests/io/http/http_transport_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::mcp::Era;
using protocol::mcp::Revision;

class HttpOpeningTest : public HttpTransportTest {};

TEST_F(HttpOpeningTest, AsksAModernServerInTheModernWay) {
  create({.endpoint = {std::string(kUrl), {{"Authorization", "Bearer t"}}, {}, {}}});
  start_open();
  EXPECT_EQ(last().request.url, kUrl);
  EXPECT_EQ(last().header("Accept"), "application/json, text/event-stream");
  EXPECT_EQ(last().header("Content-Type"), "application/json");
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "2026-07-28");
  EXPECT_EQ(last().header("Mcp-Method"), "server/discover");
  EXPECT_EQ(last().header("Mcp-Name"), "(none)");
  EXPECT_EQ(last().header("Mcp-Session-Id"), "(none)");
  EXPECT_EQ(last().header("Authorization"), "Bearer t");
  answer(kDiscoverResult);
  expect_open();
  EXPECT_TRUE(transport->is_open());
  EXPECT_EQ(transport->server_info().revision, Revision::k2026_07_28);
  EXPECT_EQ(transport->server_info().name, "new");
  EXPECT_EQ(made(), 1U);
}

TEST_F(HttpOpeningTest, AnUnsupportedVersionErrorWithAListIsAskedOnceMore) {
  create();
  start_open();
  answer_error(last(), 400,
               R"({"code":-32022,"message":"no","data":{"supported":["2026-07-28"],)"
               R"("requested":"2026-07-28"}})");
  ASSERT_EQ(made(), 2U);
  EXPECT_EQ(last().header("Mcp-Method"), "server/discover");
  answer(kDiscoverResult);
  expect_open();
}

TEST_F(HttpOpeningTest, AListOfUnknownRevisionsFailsWithTheirNames) {
  create();
  start_open();
  answer_error(last(), 400,
               R"({"code":-32022,"message":"no","data":{"supported":["2031-01-01"]}})");
  EXPECT_NE(open_failure().find("2031-01-01"), std::string::npos);
  EXPECT_EQ(made(), 1U);
}

TEST_F(HttpOpeningTest, AListOfLegacyRevisionsMeansInitialize) {
  create();
  start_open();
  answer_error(last(), 400,
               R"({"code":-32022,"message":"no","data":{"supported":["2025-06-18"]}})");
  ASSERT_EQ(made(), 2U);
  EXPECT_NE(last().body().find("\"initialize\""), std::string::npos);
  open_scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
}

struct ProbeCase {
  int status;
  std::string_view body;
};

class LegacyProbeTest : public HttpTransportTest, public testing::WithParamInterface<ProbeCase> {};

TEST_P(LegacyProbeTest, MeansInitialize) {
  create();
  start_open();
  reply(last(), GetParam().status, GetParam().body);
  ASSERT_EQ(made(), 2U);
  EXPECT_NE(last().body().find("\"method\":\"initialize\""), std::string::npos);
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "(none)");
  EXPECT_EQ(last().header("Mcp-Method"), "(none)");
  answer(kInitializeResult, "Mcp-Session-Id: s1\r\n");
  EXPECT_NE(last().body().find("notifications/initialized"), std::string::npos);
  EXPECT_EQ(last().header("MCP-Protocol-Version"), "2025-11-25");
  EXPECT_EQ(last().header("Mcp-Session-Id"), "s1");
  EXPECT_FALSE(transport->is_open()) << "the server does not have the notification yet";
  reply(last(), 202, "");
  expect_open();
  EXPECT_EQ(transport->server_info().revision, Revision::k2025_11_25);
  // The stream for what the server says unasked.
  EXPECT_EQ(last().request.method, HttpMethod::kGet);
  EXPECT_EQ(last().header("Mcp-Session-Id"), "s1");
  EXPECT_EQ(last().header("Accept"), "text/event-stream");
}

INSTANTIATE_TEST_SUITE_P(
    All, LegacyProbeTest,
    testing::Values(
        ProbeCase{400, R"({"jsonrpc":"2.0","error":{"code":-32000,"message":)"
                       R"("Bad Request: Server not initialized"},"id":null})"},
        ProbeCase{400, R"({"jsonrpc":"2.0","error":{"code":-32000,"message":)"
                       R"("Mcp-Session-Id header is required"},"id":null})"},
        ProbeCase{400, ""}, ProbeCase{404, ""}, ProbeCase{405, ""}, ProbeCase{406, ""},
        ProbeCase{415, ""}, ProbeCase{422, "{}"},
        ProbeCase{404, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}})"},
        ProbeCase{200, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}})"},
        ProbeCase{400, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"x"}})"},
        ProbeCase{200, R"({"jsonrpc":"2.0","id":1,"result":{}})"}, ProbeCase{200, "not json"},
        ProbeCase{202, ""}, ProbeCase{200, ""}));

class OutageTest : public HttpTransportTest, public testing::WithParamInterface<int> {};

TEST_P(OutageTest, IsNoSignOfAnEra) {
  create();
  start_open();
  reply(last(), GetParam(), "");
  EXPECT_EQ(made(), 1U);
  EXPECT_NE(open_failure().find(std::to_string(GetParam())), std::string::npos) << open_failure();
}

INSTANTIATE_TEST_SUITE_P(All, OutageTest, testing::Values(500, 502, 503, 504, 301, 307, 401, 403));

TEST_F(HttpOpeningTest, AConnectionThatBreaksIsNoSignEither) {
  create();
  start_open();
  last().fail(ErrorKind::kDisconnected, false);
  loop.run_until_idle();
  EXPECT_EQ(made(), 1U);
  EXPECT_EQ(opened->error().kind, ErrorKind::kDisconnected);
}

TEST_F(HttpOpeningTest, TheDeadlineEndsTheOpening) {
  create();
  start_open(loop.now_ns() + kNanosecondsPerSecond);
  ASSERT_TRUE(last().go_out());
  loop.advance_ns(kNanosecondsPerSecond);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().kind, ErrorKind::kTimeout);
  EXPECT_TRUE(last().is_given_up);
}

TEST_F(HttpOpeningTest, ARedirectNamesItsTargetWithoutItsQuery) {
  create();
  start_open();
  reply(last(), 308, "", "Location: https://new.test/mcp?key=hidden\r\n");
  EXPECT_NE(open_failure().find("https://new.test/mcp"), std::string::npos);
  EXPECT_EQ(open_failure().find("hidden"), std::string::npos);
}

TEST_F(HttpOpeningTest, WhatTheServerSaysIsShownWithoutSecrets) {
  create({.endpoint = {std::string(kUrl), {{"X-Key", "sesame-123"}}, {}, {}},
          .pinned_era = Era::kLegacy});
  start_open();
  answer_error(last(), 403, R"({"code":1,"message":"x"})");
  EXPECT_NE(open_failure().find("authorization"), std::string::npos);
  create({.endpoint = {std::string(kUrl), {{"X-Key", "sesame-123"}}, {}, {}},
          .pinned_era = Era::kLegacy});
  start_open();
  answer_error(last(), 422, R"({"code":1,"message":"bad key sesame-123"})");
  EXPECT_NE(open_failure().find("bad key"), std::string::npos) << open_failure();
  EXPECT_EQ(open_failure().find("sesame"), std::string::npos) << open_failure();
}

// --- HTTP+SSE --------------------------------------------------------------------------------

TEST_F(HttpOpeningTest, InitializeRefusedMeansTheTransportOf2024) {
  for (const int status : {400, 404, 405}) {
    client.exchanges.clear();
    create();
    start_open();
    reply(last(), 404, "");
    reply(last(), status, "");
    ASSERT_EQ(last().request.method, HttpMethod::kGet);
    FakeExchange& stream = last();
    ASSERT_TRUE(stream.go_out());
    stream.stream();
    stream.event("/message?sessionId=7", "event: endpoint\n");
    loop.run_until_idle();
    FakeExchange& initialize = last();
    EXPECT_EQ(initialize.request.url, "http://server.test/message?sessionId=7");
    reply(initialize, 202, "");
    EXPECT_FALSE(opened.has_value());
    stream.event(R"({"jsonrpc":"2.0","id":)" + id_of(initialize) +
                 R"(,"result":{"protocolVersion":"2024-11-05","capabilities":{},)"
                 R"("serverInfo":{"name":"old","version":"1"}}})");
    loop.run_until_idle();
    reply(last(), 202, "");
    expect_open();
    EXPECT_EQ(transport->server_info().name, "old");

    HttpTestCall& echo = call("tools/call", R"({"name":"echo"})");
    FakeExchange& post = last();
    reply(post, 202, "");
    EXPECT_FALSE(echo.is_done());
    stream.event(R"({"jsonrpc":"2.0","id":)" + id_of(post) + R"(,"result":{"content":[]}})");
    loop.run_until_idle();
    ASSERT_TRUE(echo.is_done());
    EXPECT_EQ(echo.reply->body, R"({"content":[]})");

    stream.finish();
    loop.run_until_idle();
    EXPECT_FALSE(transport->is_open());
    EXPECT_EQ(closed_with.size(), 1U);
    opened.reset();
    closed_with.clear();
    TearDown();
  }
}

TEST_F(HttpOpeningTest, AnEndpointAtAnotherOriginIsRefused) {
  create({.is_http_sse = true});
  start_open();
  ASSERT_TRUE(last().go_out());
  last().stream();
  last().event("http://evil.test/message", "event: endpoint\n");
  loop.run_until_idle();
  EXPECT_NE(open_failure().find("another origin"), std::string::npos);
  EXPECT_EQ(made(), 1U);
}

TEST_F(HttpOpeningTest, AServerThatRefusesAllIsDescribedByItsWordsToInitialize) {
  create();
  start_open();
  reply(last(), 404, "");
  answer_error(last(), 400, R"({"code":-32600,"message":"go away"})");
  reply(last(), 405, "");
  EXPECT_NE(open_failure().find("go away"), std::string::npos) << open_failure();
}

// --- Verdicts and pins -----------------------------------------------------------------------

TEST_F(HttpOpeningTest, RemembersWhatItFoundOut) {
  FakeVerdicts verdicts;
  create({.verdicts = &verdicts});
  start_open();
  reply(last(), 404, "");
  answer(kInitializeResult);
  reply(last(), 202, "");
  expect_open();
  EXPECT_EQ(verdicts.kept["id"], (EraVerdict{Era::kLegacy, false}));
}

TEST_F(HttpOpeningTest, ARememberedVerdictSavesTheProbe) {
  FakeVerdicts verdicts;
  verdicts.keep("id", {Era::kLegacy, false});
  create({.verdicts = &verdicts});
  start_open();
  EXPECT_NE(last().body().find("\"initialize\""), std::string::npos);
  answer(kInitializeResult);
  reply(last(), 202, "");
  expect_open();
}

TEST_F(HttpOpeningTest, AWrongVerdictIsForgottenAndTheServerProbed) {
  FakeVerdicts verdicts;
  verdicts.keep("id", {Era::kLegacy, false});
  create({.verdicts = &verdicts});
  start_open();
  answer_error(last(), 400, R"({"code":-32601,"message":"no initialize here"})");
  reply(last(), 405, "");
  EXPECT_EQ(last().header("Mcp-Method"), "server/discover");
  answer(kDiscoverResult);
  expect_open();
  EXPECT_EQ(verdicts.kept["id"], (EraVerdict{Era::kModern, false}));
}

TEST_F(HttpOpeningTest, AnOutageDoesNotMakeItForget) {
  FakeVerdicts verdicts;
  verdicts.keep("id", {Era::kLegacy, false});
  create({.verdicts = &verdicts});
  start_open();
  last().fail(ErrorKind::kDisconnected, false);
  loop.run_until_idle();
  EXPECT_EQ(made(), 1U);
  EXPECT_TRUE(verdicts.kept.contains("id"));
}

TEST_F(HttpOpeningTest, APinnedRevisionIsAskedForAndHeldTo) {
  create({.pinned_revision = Revision::k2025_06_18});
  start_open();
  EXPECT_NE(last().body().find("\"2025-06-18\""), std::string::npos);
  answer(kInitializeResult);
  EXPECT_NE(open_failure().find("2025-11-25"), std::string::npos);
}

TEST_F(HttpOpeningTest, APinnedModernEraNeverFallsBack) {
  create({.pinned_era = Era::kModern});
  start_open();
  reply(last(), 404, "");
  EXPECT_NE(open_failure().find("server/discover"), std::string::npos);
  EXPECT_EQ(made(), 1U);
}

TEST_F(HttpOpeningTest, AMalformedSessionIdIsRefused) {
  create({.pinned_era = Era::kLegacy});
  start_open();
  answer(kInitializeResult, "Mcp-Session-Id: a b\r\n");
  EXPECT_NE(open_failure().find("session id"), std::string::npos);
}

}  // namespace
}  // namespace mcpwire::io
