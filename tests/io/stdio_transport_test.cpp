// SPDX-License-Identifier: MIT
//
// Handshake and messages; how calls end is in stdio_transport_outcome_test.cpp.
#include "tests/io/stdio_transport_fixture.hpp"

#include <gmock/gmock.h>

#include <csignal>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using Strings = std::vector<std::string>;

// --- Handshake -------------------------------------------------------------------------------

TEST_F(StdioTransportTest, OffersTheNewestLegacyRevisionAndAllThatCanBeHandedOn) {
  create();
  start_open();
  EXPECT_EQ(written(), kInitializeLine);
  EXPECT_FALSE(transport->is_open());
  EXPECT_FALSE(opened.has_value());
}

TEST_F(StdioTransportTest, IsOpenAfterTheAnswerAndSaysInitialized) {
  create();
  start_open();
  written();
  answer_initialize();
  ASSERT_TRUE(opened.has_value() && opened->has_value());
  EXPECT_TRUE(transport->is_open());
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
                       "\n");
  EXPECT_EQ(transport->server_info().name, "demo");
  EXPECT_EQ(transport->server_info().version, "3");
  EXPECT_EQ(transport->server_info().protocol_version, "2025-11-25");
  EXPECT_EQ(transport->server_info().capabilities_json, R"({"tools":{}})");
  EXPECT_EQ(transport->server_info().instructions, "be kind");
  EXPECT_EQ(transport->process_id(), child().process_id);
}

class RevisionTest : public StdioTransportTest, public testing::WithParamInterface<const char*> {};

TEST_P(RevisionTest, AcceptsEveryRevisionOfTheHandshakeEra) {
  open({}, GetParam());
  EXPECT_EQ(transport->server_info().protocol_version, GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, RevisionTest,
                         testing::Values("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"));

TEST_F(StdioTransportTest, RefusesAnUnknownRevisionByNameAndLeavesNoProcess) {
  create();
  start_open();
  answer_initialize("1999-01-01");
  ASSERT_TRUE(opened.has_value());
  ASSERT_FALSE(opened->has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kHandshakeFailed);
  EXPECT_NE(opened->error().message().find("1999-01-01"), std::string::npos);
  EXPECT_TRUE(child().has_exited());
  EXPECT_EQ(closed_with, Strings{});
}

TEST_F(StdioTransportTest, RefusesAnAnswerWithoutARevision) {
  create();
  start_open();
  answer(1, "{}");
  ASSERT_TRUE(opened.has_value());
  ASSERT_FALSE(opened->has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kHandshakeFailed);
}

TEST_F(StdioTransportTest, AnInitializeThatIsNeverAnsweredEndsAtItsDeadline) {
  create();
  start_open(loop.now_ns() + kNanosecondsPerSecond);
  written();
  child().error_output.feed("npm WARN deprecated\n");
  loop.advance_ns(kNanosecondsPerSecond - 1);
  EXPECT_FALSE(opened.has_value());
  loop.advance_ns(1);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(opened->error().code, ErrorCode::kHandshakeFailed);
  EXPECT_NE(opened->error().message().find("npm WARN deprecated"), std::string::npos);
  EXPECT_EQ(child().input.write_calls(), 1U) << "initialize must not be cancelled";
  EXPECT_TRUE(child().has_exited());
}

TEST_F(StdioTransportTest, AServerThatExitsInInitializeIsReportedWithItsLastWords) {
  create();
  start_open();
  child().error_output.feed("loading\nTypeError: boom\n\n");
  child().die({false, 3});
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kServerExited);
  EXPECT_EQ(opened->error().message(),
            "the server exited with code 3; its last words: TypeError: boom");
}

TEST_F(StdioTransportTest, AnErrorInAnswerToInitializeIsPassedOn) {
  create();
  start_open();
  feed(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no licence"}})");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kHandshakeFailed);
  EXPECT_NE(opened->error().message().find("no licence"), std::string::npos);
}

StdioTransportOptions with_secret(std::string value) {
  StdioTransportOptions options;
  options.server.environment = {"TOKEN=" + std::move(value)};
  return options;
}

TEST_F(StdioTransportTest, AnErrorInAnswerToInitializeTellsNoSecret) {
  create(with_secret("ab\"cd\u00e9"));
  start_open();
  feed(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"bad ab\"cd\u00e9!"}})");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().message(), "the server refused initialize: bad [TOKEN]! (code -32603)");
}

TEST_F(StdioTransportTest, AnUnknownRevisionTellsNoSecret) {
  create(with_secret("abcdefgh"));
  start_open();
  answer_initialize("abcdefgh");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kHandshakeFailed);
  EXPECT_EQ(opened->error().message(),
            "the server speaks MCP revision \"[TOKEN]\", which mcpwire does not");
}

TEST_F(StdioTransportTest, LastWordsTellNoSecretOfSeveralLines) {
  create(with_secret("-----BEGIN-----\nMIIEv\n"));
  start_open();
  child().error_output.feed("key is -----BEGIN-----\nMIIEv\n");
  child().die({false, 3});
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().message(),
            "the server exited with code 3; its last words: key is [TOKEN]");
}

TEST_F(StdioTransportTest, LastWordsTellNoEndOfASecretWhoseBeginningIsLost) {
  create(with_secret("abcdefgh"));
  start_open();
  child().error_output.feed("abcdefgh" + std::string(TransportLimits{}.stderr_bytes_max - 4, '-'));
  child().die({false, 3});
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().message(),
            "the server exited with code 3; its last words: " + std::string(512, '-'));
}

TEST_F(StdioTransportTest, ACancelledOpenEndsAndSendsNoCancellation) {
  create();
  start_open();
  written();
  open_scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kCancelledByCaller);
  EXPECT_EQ(child().input.write_calls(), 1U);
}

TEST_F(StdioTransportTest, AProgramThatCannotBeStartedFailsTheOpen) {
  create();
  spawner.fail_next(Error::of(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound));
  start_open();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kCommandNotFound);
  EXPECT_EQ(transport->process_id(), 0);
}

TEST_F(StdioTransportTest, RequestsBeforeTheHandshakeAreNotSent) {
  create();
  start_open();
  written();
  TestCall& early = call("tools/list");
  ASSERT_TRUE(early.is_done());
  EXPECT_EQ(early.reply->outcome, Outcome::kNotSent);
  EXPECT_EQ(written(), "");
}

// --- Answers ---------------------------------------------------------------------------------

TEST_F(StdioTransportTest, WritesOneLineAndReturnsTheRawResult) {
  open();
  TestCall& list = call("tools/call", "{\"name\":\"x\",\n\"arguments\":{\"a\":1.0e3}}");
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","id":2,"method":"tools/call",)"
                       R"("params":{"name":"x", "arguments":{"a":1.0e3}}})"
                       "\n");
  EXPECT_FALSE(list.is_done());
  answer(2, R"({ "content" : [ 1.50 ] })");
  ASSERT_TRUE(list.is_done());
  EXPECT_EQ(list.reply->outcome, Outcome::kOk);
  EXPECT_EQ(list.reply->body, R"({ "content" : [ 1.50 ] })");
  EXPECT_TRUE(list.reply->may_have_been_sent);
}

TEST_F(StdioTransportTest, MatchesAnswersThatComeOutOfOrder) {
  open();
  TestCall& first = call("a");
  TestCall& second = call("b");
  TestCall& third = call("c");
  answer(4, "\"three\"");
  answer(2, "\"one\"");
  answer(3, "\"two\"");
  EXPECT_EQ(first.reply->body, "\"one\"");
  EXPECT_EQ(second.reply->body, "\"two\"");
  EXPECT_EQ(third.reply->body, "\"three\"");
}

TEST_F(StdioTransportTest, APeersErrorPassesThroughUntouched) {
  open();
  TestCall& made = call("tools/call", "{}");
  feed(R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no","data":[1]}})");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kPeerError);
  EXPECT_EQ(made.reply->body, R"({"code":-32602,"message":"no","data":[1]})");
}

TEST_F(StdioTransportTest, ASecondAnswerIsDroppedAndCounted) {
  open();
  TestCall& made = call("a");
  feed_bytes(
      "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}\n");
  EXPECT_EQ(made.reply->body, "1");
  answer(2, "3");
  EXPECT_EQ(transport->counters().late_responses, 2U);
  EXPECT_TRUE(transport->is_open());
}

TEST_F(StdioTransportTest, AnswersToForeignIdsHarmNobody) {
  open();
  TestCall& made = call("a");
  answer(99, "1");
  for (const char* id : {"\"3\"", "2.0", "-2", "\"\"", "null", "0", "20000000000000000000"}) {
    feed(std::string(R"({"jsonrpc":"2.0","id":)") + id + R"(,"result":1})");
  }
  EXPECT_FALSE(made.is_done());
  EXPECT_TRUE(transport->is_open());
  EXPECT_GE(transport->counters().unmatched_responses, 4U);
  EXPECT_EQ(transport->counters().late_responses, 0U);
  answer(2, "true");
  EXPECT_EQ(made.reply->body, "true");
}

TEST_F(StdioTransportTest, AnAnswerThatCannotBeReadEndsItsCallAtOnce) {
  open();
  const std::vector<std::pair<std::string, std::string>> answers = {
      {R"("result":{"a":NaN}})", "malformed number or literal"},
      {R"("error":"boom"})", "neither request nor response"},
      {R"("result":)" + std::string(70, '[') + std::string(70, ']') + "}", "nested too deeply"},
  };
  int id = 2;
  for (const auto& [rest, why] : answers) {
    TestCall& asked = call("tools/call", "{}");
    written();
    feed(R"({"jsonrpc":"2.0","id":)" + std::to_string(id++) + "," + rest);
    ASSERT_TRUE(asked.is_done()) << rest;
    EXPECT_EQ(asked.reply->outcome, Outcome::kUnknown) << "the tool has run";
    EXPECT_TRUE(asked.reply->may_have_been_sent);
    EXPECT_THAT(asked.reply->error.message(),
                testing::HasSubstr("the server's answer cannot be read: " + why));
    EXPECT_EQ(written(), "") << "what has ended is not cancelled";
  }
  TestCall& asked = call("tools/call", "{}");
  feed(R"({"jsonrpc":"2.0","id":")" + std::to_string(id) + R"(","result":{}})");
  ASSERT_TRUE(asked.is_done());
  EXPECT_THAT(asked.reply->error.message(), testing::HasSubstr("its id is a text"));
}

TEST_F(StdioTransportTest, ALineThatOnlyLooksLikeAnAnswerEndsNoCall) {
  open();
  TestCall& asked = call("tools/call", "{}");
  feed(R"({"level":30,"id":2,"error":"slow"})");
  feed(R"({"jsonrpc":"2.0","id":2,"id":2,"result":{}})");
  feed(R"({"jsonrpc":"2.0","id":2,)");
  EXPECT_FALSE(asked.is_done());
  answer(2, "{}");
  ASSERT_TRUE(asked.is_done());
  EXPECT_EQ(asked.reply->outcome, Outcome::kOk);
}

TEST_F(StdioTransportTest, AnAnswerToWhatWasNotYetWrittenIsNotBelieved) {
  open();
  child().input.block();
  TestCall& first = call("a");
  TestCall& second = call("b");
  answer(3, "\"guessed\"");
  EXPECT_FALSE(second.is_done());
  child().input.unblock();
  loop.run_until_idle();
  answer(3, "\"real\"");
  answer(2, "1");
  EXPECT_EQ(second.reply->body, "\"real\"");
  EXPECT_TRUE(first.is_done());
  EXPECT_EQ(transport->counters().unmatched_responses, 1U);
}

TEST_F(StdioTransportTest, AnAnswerMayOvertakeTheCompletionOfItsWrite) {
  open();
  TestSendObserver observer;
  child().input.block();
  TestCall& made = call("a", {}, {.observer = &observer});
  answer(2, "1");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kOk);
  EXPECT_EQ(observer.sent, 1);
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_EQ(observer.sent, 1);
}

TEST_F(StdioTransportTest, HalfLinesAreJoined) {
  open();
  TestCall& made = call("a");
  feed_bytes(R"({"jsonrpc":"2.0","id")");
  EXPECT_FALSE(made.is_done());
  feed_bytes(":2,\"result\":{}}\r\n");
  EXPECT_EQ(made.reply->body, "{}");
}

TEST_F(StdioTransportTest, ALineOf64MebibytesIsDelivered) {
  open();
  TestCall& made = call("a");
  const std::string frame = R"({"jsonrpc":"2.0","id":2,"result":""})";
  const std::string text((std::size_t{64} << 20) - frame.size(), 'x');
  feed(R"({"jsonrpc":"2.0","id":2,"result":")" + text + "\"}");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->body.size(), text.size() + 2);
}

// --- The server's own messages ---------------------------------------------------------------

TEST_F(StdioTransportTest, AnswersPingsWithTheServersOwnIdToken) {
  open();
  feed(R"({"jsonrpc":"2.0","id":"p-1","method":"ping"})");
  feed(R"({"jsonrpc":"2.0","id":0,"method":"ping","params":{}})");
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"result\":{}}\n"
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}\n");
}

TEST_F(StdioTransportTest, AnswersAPingDuringTheHandshake) {
  create();
  start_open();
  written();
  feed(R"({"jsonrpc":"2.0","id":5,"method":"ping"})");
  EXPECT_EQ(written(), "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n");
}

TEST_F(StdioTransportTest, DeclinesEverythingElseAServerAsksFor) {
  open();
  feed(R"({"jsonrpc":"2.0","id":0,"method":"tools/list"})");
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32601,"
            "\"message\":\"Method not found: tools/list\"}}\n");
  EXPECT_EQ(transport->counters().server_requests, 1U);
}

TEST_F(StdioTransportTest, AServersRequestIsNeverTakenForAnAnswer) {
  open();
  TestCall& made = call("a");
  feed(R"({"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{}})");
  EXPECT_FALSE(made.is_done());
}

TEST_F(StdioTransportTest, NotificationsReachTheObserver) {
  open();
  feed(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  feed(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}})");
  EXPECT_EQ(notifications, (Strings{"notifications/tools/list_changed ",
                                    "notifications/message {\"level\":\"info\"}"}));
  EXPECT_EQ(transport->counters().notifications, 2U);
}

TEST_F(StdioTransportTest, GarbageIsCountedShownAFewTimesAndHarmsNoCall) {
  open({.junk_lines_shown = 2});
  TestCall& made = call("a");
  for (const char* line :
       {"Server ready!", "{\"half\":", "[]", "\"text\"", "{\"id\":2,\"result\":1}"}) {
    feed(line);
  }
  EXPECT_EQ(junk, (Strings{"Server ready!", "{\"half\":"}));
  EXPECT_EQ(transport->counters().junk_lines, 5U);
  EXPECT_FALSE(made.is_done());
  answer(2, "1");
  EXPECT_EQ(made.reply->outcome, Outcome::kOk);
}

TEST_F(StdioTransportTest, TooMuchGarbageEndsTheConnection) {
  open({.limits = {.junk_lines_max = 3}});
  TestCall& made = call("a");
  for (int i = 0; i < 3; ++i) feed("junk");
  EXPECT_TRUE(transport->is_open());
  feed("junk");
  EXPECT_FALSE(transport->is_open());
  EXPECT_EQ(made.reply->outcome, Outcome::kUnknown);
  ASSERT_EQ(closed_with.size(), 1U);
  EXPECT_NE(closed_with[0].find("not JSON-RPC"), std::string::npos);
}

TEST_F(StdioTransportTest, OfStderrAsMuchIsKeptAsTheLimitSays) {
  open({.limits = {.stderr_bytes_max = 1024}});
  child().error_output.feed(std::string(5000, 'a') + std::string(1000, 'b'));
  loop.run_until_idle();
  EXPECT_EQ(transport->stderr_tail(), std::string(24, 'a') + std::string(1000, 'b'));
}

TEST_F(StdioTransportTest, TheEndOfProcessorTimeNamesItsLimit) {
  StdioTransportOptions options;
  options.server.limits.cpu_seconds = 9;
  open(std::move(options));
  child().die({true, SIGXCPU});
  loop.run_until_idle();
  EXPECT_EQ(closed_with, Strings{"the server was killed by signal 24 (limits.cpuSeconds)"});
}

TEST_F(StdioTransportTest, AnOversizeLineEndsTheConnectionWithAClearError) {
  open({.limits = {.line_bytes_max = 1000}});
  TestCall& made = call("a");
  feed_bytes(std::string(1001, 'x'));
  EXPECT_EQ(made.reply->outcome, Outcome::kUnknown);
  EXPECT_EQ(closed_with,
            Strings{"the server wrote a line of more than 1000 bytes (limits.lineBytes)"});
}

TEST_F(StdioTransportTest, TakesABatchApartWhereItsRevisionHasBatches) {
  open({}, "2025-03-26");
  TestCall& first = call("a");
  TestCall& second = call("b");
  feed(R"([{"jsonrpc":"2.0","id":3,"result":2},5,{"jsonrpc":"2.0","method":"n"},)"
       R"({"jsonrpc":"2.0","id":2,"result":1}])");
  EXPECT_EQ(first.reply->body, "1");
  EXPECT_EQ(second.reply->body, "2");
  EXPECT_EQ(notifications, Strings{"n "});
  EXPECT_EQ(transport->counters().junk_lines, 1U);
}

TEST_F(StdioTransportTest, ABatchIsNoAnswerInEveryOtherRevision) {
  open();
  TestCall& made = call("a");
  feed(R"([{"jsonrpc":"2.0","id":2,"result":1}])");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kUnknown);
  EXPECT_EQ(transport->counters().junk_lines, 1U);
}

// --- Progress --------------------------------------------------------------------------------

TEST_F(StdioTransportTest, AsksForProgressOnlyWhereSomebodyWantsIt) {
  open();
  TestProgress progress;
  call("a", "{}");
  EXPECT_EQ(written(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"a\",\"params\":{}}\n");
  call("b", "{\"name\":\"x\"}", {.progress = &progress});
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"b\","
            "\"params\":{\"_meta\":{\"progressToken\":3},\"name\":\"x\"}}\n");
  call("c", {}, {.progress = &progress});
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"c\","
            "\"params\":{\"_meta\":{\"progressToken\":4}}}\n");
  call("d", "{}", {.progress = &progress, .meta = "{\"trace\":1}"});
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"d\","
            "\"params\":{\"_meta\":{\"progressToken\":5,\"trace\":1}}}\n");
  call("e", "{}", {.progress = &progress, .meta = "{\"progressToken\":\"theirs\"}"});
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"e\","
            "\"params\":{\"_meta\":{\"progressToken\":6}}}\n");
}

TEST_F(StdioTransportTest, ProgressReachesTheCallItBelongsToAndMustIncrease) {
  open();
  TestProgress mine;
  TestProgress other;
  call("a", "{}", {.progress = &mine});
  call("b", "{}", {.progress = &other});
  for (const char* params :
       {R"({"progressToken":2,"progress":1})", R"({"progressToken":2,"progress":1})",
        R"({"progressToken":2,"progress":0.5})", R"({"progressToken":2,"progress":1.5})",
        R"({"progressToken":"2","progress":9})", R"({"progressToken":77,"progress":9})",
        R"({"progress":9})"}) {
    feed(R"({"jsonrpc":"2.0","method":"notifications/progress","params":)" + std::string(params) +
         "}");
  }
  EXPECT_EQ(mine.seen, (Strings{R"({"progressToken":2,"progress":1})",
                                R"({"progressToken":2,"progress":1.5})"}));
  EXPECT_EQ(other.seen, Strings{});
}

}  // namespace
}  // namespace mcpwire::io
