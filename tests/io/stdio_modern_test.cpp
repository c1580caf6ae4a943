// SPDX-License-Identifier: MIT
//
// A modern conversation on a pipe: what every request says of itself, which results count, and what
// is not part of it any more.
#include "tests/io/stdio_transport_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::ClientAbility;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kMetaStart =
    R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientInfo":{"name":"mcpwire","version":"0.1.0"},)"
    R"("io.modelcontextprotocol/clientCapabilities":)";

class StdioModernTest : public StdioTransportTest {
 protected:
  StdioModernTest() { probes = true; }

  void open_modern(StdioTransportOptions options = {}) {
    create(std::move(options));
    start_open();
    answer(1, R"({"resultType":"complete","supportedVersions":["2026-07-28"],)"
              R"("capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"})");
    ASSERT_TRUE(transport->is_open());
    written();
  }
  static std::string request(int id, std::string_view method, std::string_view params) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" +
           std::string(method) + R"(","params":)" + std::string(params) + "}\n";
  }
  static std::string start_of_meta(std::string_view capabilities) {
    return std::string(kMetaStart) + std::string(capabilities);
  }
};

TEST_F(StdioModernTest, EveryRequestSaysWhoAsksInWhichRevisionAndWithWhatAbilities) {
  open_modern();
  call("tools/list");
  EXPECT_EQ(written(), request(2, "tools/list", start_of_meta("{}") + "}}"));
  call("tools/call", R"({"name":"x"})");
  EXPECT_EQ(written(), request(3, "tools/call", start_of_meta("{}") + R"(},"name":"x"})"));
  call("tools/call", " {\n}");
  EXPECT_EQ(written(), request(4, "tools/call", start_of_meta("{}") + "}}"));
  call("tools/call", "{}", {.abilities = ClientAbility::kRoots | ClientAbility::kTasks});
  EXPECT_EQ(written(),
            request(5, "tools/call",
                    start_of_meta(R"({"roots":{},)"
                                  R"("extensions":{"io.modelcontextprotocol/tasks":{}}})") +
                        "}}"));
}

TEST_F(StdioModernTest, TheProgressTokenStandsBesideWhatIsConstant) {
  open_modern();
  TestProgress progress;
  call("tools/call", "{}", {.progress = &progress});
  EXPECT_THAT(written(), HasSubstr(R"("_meta":{"progressToken":2,"io.modelcontextprotocol/prot)"));
  feed(R"({"jsonrpc":"2.0","method":"notifications/progress",)"
       R"("params":{"progressToken":2,"progress":1}})");
  EXPECT_EQ(progress.seen.size(), 1U);
}

TEST_F(StdioModernTest, TheCallersKeysPassUntouchedAndThoseOfTheHopAreOurs) {
  open_modern();
  call("tools/call", R"({"name":"x"})",
       {.meta = R"({ "traceparent" : "00-a-b-01", "com.example/x":{"n":[1.0e3,
 "\u00e9"]},"progressToken":7,"io.modelcontextprotocol/protocolVersion":"1999-01-01",
 "io.modelcontextprotocol/clientInfo":{}, "\u0070rogressToken":8,
 "io.modelcontextprotocol/clientCapabilities":{"roots":{}},
 "io.modelcontextprotocol/logLevel":"debug"})"});
  EXPECT_EQ(written(),
            request(2, "tools/call",
                    start_of_meta("{}") +
                        R"(,"traceparent":"00-a-b-01","com.example/x":{"n":[1.0e3, )"
                        R"( "\u00e9"]},"io.modelcontextprotocol/logLevel":"debug"},"name":"x"})"));
}

TEST_F(StdioModernTest, AMetaThatIsNoObjectIsRejectedAndNothingIsSent) {
  open_modern();
  for (const char* meta : {"[1]", "{\"a\":}", "7", "{} {}"}) {
    TestCall& made = call("tools/call", "{}", {.meta = meta});
    ASSERT_TRUE(made.is_done()) << meta;
    EXPECT_EQ(made.reply->outcome, Outcome::kRejected);
  }
  EXPECT_EQ(written(), "");
}

TEST_F(StdioModernTest, ACallThatIsGivenUpIsTakenBack) {
  open_modern();
  TestCall& made = call("tools/call", "{}");
  written();
  made.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","method":"notifications/cancelled",)"
                       R"("params":{"requestId":2,"reason":"cancelled by caller"}})"
                       "\n");
}

TEST_F(StdioModernTest, ABatchIsNoAnswer) {
  open_modern();
  TestCall& made = call("tools/call", "{}");
  feed(R"([{"jsonrpc":"2.0","id":2,"result":{}}])");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kUnknown);
  EXPECT_EQ(transport->counters().junk_lines, 1U);
}

TEST_F(StdioModernTest, AServerMayNotAskAndIsNotAnswered) {
  open_modern();
  feed(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  feed(R"({"jsonrpc":"2.0","id":2,"method":"roots/list"})");
  EXPECT_EQ(written(), "");
  EXPECT_EQ(transport->counters().server_requests, 2U);
}

// --- Results ---------------------------------------------------------------------------------

struct ResultRow {
  const char* name;
  const char* method;
  const char* result;
  ResultType type;
};

class CompleteResultTest : public StdioModernTest, public testing::WithParamInterface<ResultRow> {};

TEST_P(CompleteResultTest, IsOfTheKindThatItSays) {
  open_modern();
  TestCall& made = call(GetParam().method, "{}", {.abilities = ClientAbility::kTasks});
  answer(2, GetParam().result);
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kOk) << made.reply->error.message();
  EXPECT_EQ(made.reply->result_type, GetParam().type);
  EXPECT_EQ(made.reply->body, GetParam().result);
}
INSTANTIATE_TEST_SUITE_P(
    All, CompleteResultTest,
    testing::Values(
        ResultRow{"Absent", "tools/call", R"({"content":[]})", ResultType::kComplete},
        ResultRow{"First", "tools/call", R"({"resultType":"complete","content":[]})",
                  ResultType::kComplete},
        ResultRow{"Last", "tools/call", R"({"content":[],"resultType":"complete"})",
                  ResultType::kComplete},
        ResultRow{"Middle", "tools/call", R"({"a":1,"resultType" : "complete","content":[]})",
                  ResultType::kComplete},
        ResultRow{"Alone", "tasks/cancel", R"({"resultType":"complete"})", ResultType::kComplete},
        ResultRow{"InsideAText", "tools/call",
                  R"({"content":[{"type":"text","text":"\"resultType\":\"strange\""}]})",
                  ResultType::kComplete},
        ResultRow{"OfSomethingInside", "tools/call",
                  R"({"structuredContent":{"resultType":"strange"},"content":[]})",
                  ResultType::kComplete},
        ResultRow{"InputForACall", "tools/call",
                  R"({"resultType":"input_required","inputRequests":{}})",
                  ResultType::kInputRequired},
        ResultRow{"InputForAPrompt", "prompts/get",
                  R"({"requestState":"x","resultType":"input_required"})",
                  ResultType::kInputRequired},
        ResultRow{"InputForARead", "resources/read", R"({"resultType":"input_required"})",
                  ResultType::kInputRequired},
        ResultRow{"Task", "tools/call", R"({"resultType":"task","taskId":"t"})",
                  ResultType::kTask}),
    [](const auto& info) { return info.param.name; });

class InvalidResultTest : public StdioModernTest, public testing::WithParamInterface<ResultRow> {};

TEST_P(InvalidResultTest, IsNoResultAndTheErrorNamesItsKind) {
  open_modern();
  TestCall& made = call(GetParam().method, "{}");
  answer(2, GetParam().result);
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kUnknown);
  EXPECT_TRUE(made.reply->may_have_been_sent);
  EXPECT_EQ(made.reply->error.code, ErrorCode::kProtocolViolation);
  EXPECT_THAT(made.reply->error.message(), HasSubstr("result"));
  EXPECT_TRUE(transport->is_open()) << "it harms this call only";
}
INSTANTIATE_TEST_SUITE_P(
    All, InvalidResultTest,
    testing::Values(
        ResultRow{"Unknown", "tools/call", R"({"resultType":"stream"})", {}},
        ResultRow{"UnknownLast", "tools/call", R"({"content":[],"resultType":"stream"})", {}},
        ResultRow{"NoText", "tools/call", R"({"resultType":7})", {}},
        ResultRow{
            "Twice", "tools/call", R"({"resultType":"complete" ,"a":1,"resultType":"stream"})", {}},
        ResultRow{"InputForAList", "tools/list", R"({"resultType":"input_required"})", {}},
        ResultRow{"TaskForOneWhoDidNotAsk", "tools/call", R"({"resultType":"task"})", {}},
        ResultRow{"NoObject", "tools/call", R"(["resultType"])", {}}),
    [](const auto& info) { return info.param.name; });

TEST_F(StdioModernTest, AnErrorPassesThroughUntouched) {
  open_modern();
  TestCall& made = call("tools/call", "{}");
  feed(R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no","resultType":"x"}})");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kPeerError);
  EXPECT_EQ(made.reply->body, R"({"code":-32602,"message":"no","resultType":"x"})");
}

TEST_F(StdioTransportTest, ALegacyResultHasNoKindWhateverItSays) {
  open();
  TestCall& made = call("tools/call", "{}");
  answer(2, R"({"resultType":"stream"})");
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kOk);
  EXPECT_EQ(made.reply->result_type, ResultType::kComplete);
}

TEST_F(StdioTransportTest, ALegacyRequestClaimsNoEraWhateverItsCallerSays) {
  open();
  call("tools/call", "{}",
       {.meta = R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28","traceparent":"t"})"});
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","id":2,"method":"tools/call",)"
                       R"("params":{"_meta":{"traceparent":"t"}}})"
                       "\n");
}

}  // namespace
}  // namespace mcpwire::io
