// SPDX-License-Identifier: MIT
//
// What every McpTransport owes who uses it: how a conversation begins, and how messages find their
// way. How calls end without an answer is in transport_outcomes_test.cpp.
#include "tests/io/conformance/conformance_fixture.hpp"

#include <utility>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TransportCalls : public TransportConformance {};
INSTANTIATE_TEST_SUITE_P(Every, TransportCalls, testing::ValuesIn(kTransports),
                         [](const auto& kind) { return kind.param.name; });

// --- Opening ---------------------------------------------------------------------------------

TEST_P(TransportCalls, IsClosedUntilItIsOpened) {
  EXPECT_FALSE(transport().is_open());
  expect_outcome(call("a"), Outcome::kNotSent, false);
  EXPECT_THAT(rest(), IsEmpty());
}

TEST_P(TransportCalls, OpensAndKnowsItsServer) {
  open();
  EXPECT_EQ(transport().server_info().name, "demo");
  EXPECT_EQ(transport().server_info().version, "3");
  EXPECT_EQ(transport().server_info().protocol_version, "2025-11-25");
  EXPECT_EQ(transport().server_info().capabilities_json, R"({"tools":{}})");
  EXPECT_EQ(transport().server_info().instructions, "be kind");
}

TEST_P(TransportCalls, AServerThatRefusesTheHandshakeIsNotOpened) {
  start_open();
  const Sent initialize = next();
  peer->say(initialize, R"({"jsonrpc":"2.0","id":)" + initialize.id +
                            R"(,"error":{"code":-32603,"message":"no licence"}})");
  until([this] { return opened.has_value(); });
  ASSERT_FALSE(opened->has_value());
  EXPECT_THAT(opened->error().message(), HasSubstr("no licence"));
  expect_outcome(call("a"), Outcome::kNotSent, false);
  EXPECT_THAT(closed_with, IsEmpty()) << "whoever opens it is told";
  until([this] { return peer->is_rid_of_us(); });
}

TEST_P(TransportCalls, AServerThatIsNotThereIsNotOpened) {
  peer->be_absent();
  start_open();
  until([this] { return opened.has_value(); });
  EXPECT_FALSE(opened->has_value());
  EXPECT_THAT(closed_with, IsEmpty());
}

TEST_P(TransportCalls, AServerThatGoesDuringTheHandshakeIsNotOpened) {
  start_open();
  next();
  peer->cut();
  until([this] { return opened.has_value(); });
  EXPECT_FALSE(opened->has_value());
  EXPECT_THAT(closed_with, IsEmpty());
}

TEST_P(TransportCalls, OpeningEndsAtItsDeadline) {
  start_open(peer->loop().now_ns() + kShortNs);
  next();
  until([this] { return opened.has_value(); });
  ASSERT_FALSE(opened->has_value());
  EXPECT_EQ(opened->error().kind, ErrorKind::kTimeout);
}

TEST_P(TransportCalls, OpeningIsGivenUpWithItsScope) {
  start_open();
  next();
  open_scope.cancel(CancelCause::kCaller);
  until([this] { return opened.has_value(); });
  ASSERT_FALSE(opened->has_value());
  EXPECT_EQ(opened->error().kind, ErrorKind::kCancelled);
}

// --- Calls -----------------------------------------------------------------------------------

TEST_P(TransportCalls, ACallArrivesAsItWasMadeAndItsResultComesBackAsItWasGiven) {
  open();
  ConformanceCall& made = call("tools/call", R"({"name":"a","arguments":{"x": [1,  2]}})");
  const Sent request = next();
  EXPECT_EQ(request.method, "tools/call");
  EXPECT_EQ(request.params, R"({"name":"a","arguments":{"x": [1,  2]}})");
  EXPECT_THAT(request.text, HasSubstr(R"("jsonrpc":"2.0")"));
  EXPECT_FALSE(made.reply.has_value());
  answer(request, R"({"content": [ ],"_meta":{"a.b/c":1.50}})");
  expect_ok(made, R"({"content": [ ],"_meta":{"a.b/c":1.50}})");
  EXPECT_TRUE(made.reply->may_have_been_sent);
}

TEST_P(TransportCalls, AnErrorOfTheServersIsHandedOnAsItIs) {
  open();
  ConformanceCall& made = call("a");
  const Sent request = next();
  peer->say(request, R"({"jsonrpc":"2.0","id":)" + request.id +
                         R"(,"error":{"code":-32000,"message":"no","data":{"why": 1}}})");
  expect_outcome(made, Outcome::kPeerError, true);
  EXPECT_EQ(std::string_view(made.reply->body),
            R"({"code":-32000,"message":"no","data":{"why": 1}})");
}

TEST_P(TransportCalls, CallsArriveInTheOrderInWhichTheyWereMade) {
  open();
  std::vector<std::string> methods;
  for (int i = 0; i < 10; ++i) methods.push_back("m" + std::to_string(i));
  for (const std::string& method : methods) call(method);
  for (const std::string& method : methods) {
    const Sent request = next();
    EXPECT_EQ(request.method, method);
    answer(request, "1");
  }
}

TEST_P(TransportCalls, AnswersFindTheirCallsInAnyOrder) {
  open();
  std::vector<ConformanceCall*> made;
  std::vector<Sent> requests;
  for (int i = 0; i < 4; ++i) made.push_back(&call("m" + std::to_string(i)));
  for (int i = 0; i < 4; ++i) requests.push_back(next());
  for (const std::size_t i : {2U, 0U, 3U, 1U}) {
    EXPECT_FALSE(made[i]->reply.has_value());
    answer(requests[i], R"("to )" + requests[i].method + '"');
  }
  for (std::size_t i = 0; i < 4; ++i) expect_ok(*made[i], R"("to m)" + std::to_string(i) + '"');
}

TEST_P(TransportCalls, ALargeResultArrivesWhole) {
  open();
  ConformanceCall& made = call("a");
  std::string result = "\"";
  for (int i = 0; result.size() < std::size_t{3} << 20; ++i) result += std::to_string(i) + ",";
  result += '"';
  answer(next(), result);
  expect_ok(made, result);
  ConformanceCall& after = call("b");
  answer(next(), "2");
  expect_ok(after, "2");
}

TEST_P(TransportCalls, ALargeRequestArrivesWhole) {
  open();
  const std::string params = R"({"text":")" + std::string(std::size_t{2} << 20, 'y') + "\"}";
  ConformanceCall& made = call("a", params);
  const Sent request = next();
  EXPECT_EQ(request.params, params);
  answer(request, "1");
  expect_ok(made, "1");
}

TEST_P(TransportCalls, AnAnswerMayComeInPieces) {
  open();
  peer->say_in_pieces(1);
  ConformanceCall& made = call("a");
  answer(next(), R"({"text":"in pieces"})");
  expect_ok(made, R"({"text":"in pieces"})");
}

TEST_P(TransportCalls, TheCallersMetaPassesUntouched) {
  open();
  constexpr std::string_view kMeta = R"({"traceparent":"00-1-2-01","x.y/z":{"k": [1]}})";
  ConformanceCall& made = call("a", R"({"name":"n"})", {.meta = kMeta});
  const Sent request = next();
  EXPECT_THAT(request.params, HasSubstr(R"("traceparent":"00-1-2-01")"));
  EXPECT_THAT(request.params, HasSubstr(R"("x.y/z":{"k": [1]})"));
  answer(request, "1");
  expect_ok(made, "1");
}

TEST_P(TransportCalls, WhatIsNoMessageAndWhatNobodyAskedForHarmsNobody) {
  open();
  ConformanceCall& made = call("a");
  const Sent request = next();
  peer->say("this is no JSON");
  peer->say(R"({"jsonrpc":"2.0","id":987654,"result":"of whom?"})");
  peer->settle();
  EXPECT_FALSE(made.reply.has_value());
  EXPECT_EQ(transport().counters().junk_lines, 1U);
  EXPECT_EQ(transport().counters().unmatched_responses, 1U);
  EXPECT_THAT(junk, ElementsAre("this is no JSON"));
  answer(request, "1");
  expect_ok(made, "1");
}

// --- What the server says unasked ------------------------------------------------------------

class Progress final : public ProgressSink {
 public:
  void on_progress(std::string_view params) override { seen.emplace_back(params); }
  std::vector<std::string> seen;
};

TEST_P(TransportCalls, ProgressReachesTheCallThatItIsOf) {
  open();
  Progress first_progress;
  Progress second_progress;
  ConformanceCall& first = call("a", {}, {.progress = &first_progress});
  ConformanceCall& second = call("b", {}, {.progress = &second_progress});
  const Sent first_request = next();
  const Sent second_request = next();
  EXPECT_THAT(first_request.params, HasSubstr("progressToken"));
  peer->say(second_request, R"({"jsonrpc":"2.0","method":"notifications/progress","params":)"
                            R"({"progressToken":)" +
                                second_request.id + R"(,"progress":1}})");
  peer->settle();
  EXPECT_THAT(first_progress.seen, IsEmpty());
  EXPECT_EQ(second_progress.seen.size(), 1U);
  EXPECT_FALSE(second.reply.has_value());
  answer(second_request, "2");
  answer(first_request, "1");
  expect_ok(first, "1");
  expect_ok(second, "2");
}

TEST_P(TransportCalls, ACallThatNobodyWatchesAsksForNoProgress) {
  open();
  call("a");
  const Sent request = next();
  EXPECT_THAT(request.text, testing::Not(HasSubstr("progressToken")));
  answer(request, "1");
}

TEST_P(TransportCalls, NotificationsReachTheObserver) {
  open();
  peer->say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  peer->say(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"u"}})");
  until([this] { return notifications.size() == 2; });
  EXPECT_THAT(notifications, ElementsAre("notifications/tools/list_changed ",
                                         R"(notifications/resources/updated {"uri":"u"})"));
  EXPECT_EQ(transport().counters().notifications, 2U);
}

class Questions final : public ServerRequestSink {
 public:
  void on_server_request(std::unique_ptr<ServerRequest> request) override {
    kept.push_back(std::move(request));
  }
  std::vector<std::unique_ptr<ServerRequest>> kept;
};

TEST_P(TransportCalls, AQuestionGoesToTheCallersOneCallAndItsAnswerGoesBack) {
  open();
  Questions asked;
  ConformanceCall& made = call(
      "a", "{}", {.abilities = protocol::mcp::ClientAbilities::all(), .server_requests = &asked});
  const Sent request = next();
  peer->say(request, R"({"jsonrpc":"2.0","id":"q-1","method":"roots/list"})");
  until([&asked] { return !asked.kept.empty(); });
  EXPECT_EQ(asked.kept[0]->method(), "roots/list");
  asked.kept[0]->answer(R"({"roots":[]})");
  const Sent reply = next();
  EXPECT_EQ(reply.text, R"({"jsonrpc":"2.0","id":"q-1","result":{"roots":[]}})");
  answer(request, "1");
  expect_ok(made, "1");
}

TEST_P(TransportCalls, AQuestionThatNobodyCanAnswerIsRefused) {
  open();
  ConformanceCall& made = call("a");
  const Sent request = next();
  peer->say(request, R"({"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}})");
  const Sent reply = next();
  EXPECT_EQ(reply.text, R"({"jsonrpc":"2.0","id":7,"result":{"action":"decline"}})");
  answer(request, "1");
  expect_ok(made, "1");
}

}  // namespace
}  // namespace mcpwire::io
