// SPDX-License-Identifier: MIT
//
// What a legacy server asks back: who is given it, what happens to the answer, and what the server
// is told where nobody can answer.
#include "tests/io/stdio_transport_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::ClientAbilities;
using protocol::mcp::ClientAbility;

constexpr std::uint64_t kSecond = kNanosecondsPerSecond;
constexpr std::string_view kSamplingRefusal =
    R"("error":{"code":-1,"message":"User rejected sampling request"})";
constexpr std::string_view kDecline = R"("result":{"action":"decline"})";
constexpr std::string_view kNoRoots = R"("result":{"roots":[]})";

class TestSink final : public ServerRequestSink {
 public:
  void on_server_request(std::unique_ptr<ServerRequest> request) override {
    seen.push_back(std::string(request->method()) + " " + std::string(request->params()));
    if (answer_at_once.has_value()) return request->answer(*answer_at_once);
    kept.push_back(std::move(request));
  }
  std::vector<std::string> seen;
  std::vector<std::unique_ptr<ServerRequest>> kept;
  std::optional<std::string> answer_at_once;
};

class StdioQuestionsTest : public StdioTransportTest {
 protected:
  TestCall& call_with(TestSink& asked, ClientAbilities abilities = ClientAbilities::all(),
                      RequestOptions options = {}) {
    options.abilities = abilities;
    options.server_requests = &asked;
    TestCall& made = call("tools/call", "{}", options);
    written();
    return made;
  }
  void ask(std::string_view id, std::string_view method, std::string_view params = "{}") {
    feed(R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" + std::string(method) +
         R"(","params":)" + std::string(params) + "}");
  }
  /// What was written since the test answered.
  std::string sent() {
    loop.run_until_idle();
    return written();
  }
  static std::string answer_line(std::string_view id, std::string_view rest) {
    return R"({"jsonrpc":"2.0","id":)" + std::string(id) + "," + std::string(rest) + "}\n";
  }

  TestSink sink;
};

TEST_F(StdioQuestionsTest, TheOneCallInFlightIsGivenTheQuestionAndItsAnswerGoesBack) {
  open();
  TestCall& made = call_with(sink);
  ask("0", "sampling/createMessage", R"({"messages":[],"maxTokens":1})");
  ASSERT_EQ(sink.seen.size(), 1U);
  EXPECT_EQ(sink.seen[0], R"(sampling/createMessage {"messages":[],"maxTokens":1})");
  EXPECT_EQ(sent(), "");
  sink.kept[0]->answer("{\"role\":\"assistant\",\n\"model\":\"m\"}");
  EXPECT_EQ(sent(), answer_line("0", R"("result":{"role":"assistant", "model":"m"})"));
  EXPECT_FALSE(made.is_done()) << "an id of the server's is none of ours";
  answer(2, "{}");
  EXPECT_TRUE(made.is_done());
}

TEST_F(StdioQuestionsTest, TheServersIdGoesBackAsTheTokenItIs) {
  open();
  call_with(sink);
  for (const char* id : {"\"2\"", "2", "\"\"", "123456789012345678901234567890", "-1"}) {
    ask(id, "roots/list");
    sink.kept.back()->answer(R"({"roots":[{"uri":"file:///"}]})");
    EXPECT_EQ(sent(), answer_line(id, R"("result":{"roots":[{"uri":"file:///"}]})"));
  }
}

TEST_F(StdioQuestionsTest, AnAnswerGivenInsideTheCallCounts) {
  open();
  sink.answer_at_once = "{}";
  call_with(sink);
  ask("1", "roots/list");
  EXPECT_EQ(sent(), answer_line("1", R"("result":{})"));
}

TEST_F(StdioQuestionsTest, AClientMayAnswerWithAnError) {
  open();
  call_with(sink);
  ask("1", "elicitation/create");
  sink.kept[0]->answer_error(R"({"code":-32603,"message":"no terminal"})");
  EXPECT_EQ(sent(), answer_line("1", R"("error":{"code":-32603,"message":"no terminal"})"));
}

TEST_F(StdioQuestionsTest, OnlyTheFirstAnswerCounts) {
  open();
  call_with(sink);
  ask("1", "elicitation/create");
  sink.kept[0]->answer(R"({"action":"accept"})");
  sink.kept[0]->answer(R"({"action":"cancel"})");
  sink.kept[0]->refuse();
  sink.kept.clear();
  EXPECT_EQ(sent(), answer_line("1", R"("result":{"action":"accept"})"));
}

TEST_F(StdioQuestionsTest, AQuestionDestroyedUnansweredIsRefusedInItsOwnWay) {
  open();
  call_with(sink);
  ask("1", "sampling/createMessage");
  ask("2", "elicitation/create");
  ask("3", "roots/list");
  ASSERT_EQ(sink.kept.size(), 3U);
  sink.kept.clear();
  EXPECT_EQ(sent(), answer_line("1", kSamplingRefusal) + answer_line("2", kDecline) +
                        answer_line("3", kNoRoots));
}

TEST_F(StdioQuestionsTest, ACallerThatGoesAwayLeavesARefusal) {
  open();
  TestCall& made = call_with(sink);
  ask("1", "elicitation/create");
  made.scope.cancel(CancelCause::kPeerGone);
  loop.run_until_idle();
  EXPECT_TRUE(made.is_done());
  written();
  sink.kept.clear();
  EXPECT_EQ(sent(), answer_line("1", kDecline));
}

TEST_F(StdioQuestionsTest, AnAnswerAfterItsCallHasEndedStillGoesBack) {
  open();
  call_with(sink);
  ask("1", "elicitation/create");
  answer(2, "{}");
  sink.kept[0]->answer(R"({"action":"cancel"})");
  EXPECT_EQ(sent(), answer_line("1", R"("result":{"action":"cancel"})"));
}

TEST_F(StdioQuestionsTest, AQuestionThatTheServerTakesBackIsAnsweredNoMore) {
  open();
  TestCall& made = call_with(sink, ClientAbilities::all(), {.inactivity_ns = kSecond});
  ask("1", "elicitation/create");
  ask("\"1\"", "roots/list");
  feed(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})");
  sink.kept[0]->answer("{}");
  EXPECT_EQ(sent(), "");
  sink.kept[1]->answer("{}");
  EXPECT_EQ(sent(), answer_line("\"1\"", R"("result":{})"));
  loop.advance_ns(kSecond);
  EXPECT_TRUE(made.is_done()) << "its silence is counted again";
}

TEST_F(StdioQuestionsTest, AQuestionMayOutliveItsTransport) {
  open();
  call_with(sink);
  ask("1", "elicitation/create");
  answer(2, "{}");
  TearDown();
  sink.kept[0]->answer("{}");
  sink.kept.clear();
}

TEST_F(StdioQuestionsTest, AQuestionMayOutliveItsServer) {
  open();
  TestCall& made = call_with(sink);
  ask("1", "elicitation/create");
  child().die({false, 1});
  loop.run_until_idle();
  EXPECT_TRUE(made.is_done());
  sink.kept.clear();
}

// --- Who is not given it ---------------------------------------------------------------------

TEST_F(StdioQuestionsTest, WithTwoCallsInFlightTheOwnerIsAmbiguous) {
  open();
  TestSink other;
  TestCall& first = call_with(sink);
  call_with(other);
  ask("1", "elicitation/create");
  EXPECT_EQ(sent(), answer_line("1", kDecline));
  answer(2, "{}");
  ASSERT_TRUE(first.is_done());
  ask("2", "elicitation/create");
  EXPECT_TRUE(sink.seen.empty());
  EXPECT_EQ(other.seen.size(), 1U);
}

TEST_F(StdioQuestionsTest, ACallThatIsStillInTheQueueIsNotWorkedOn) {
  open();
  TestSink queued;
  call_with(sink);
  child().input.block();
  call("a");
  call_with(queued);
  ask("1", "elicitation/create");
  // "a" is being written and may be read already; the queued one cannot be.
  EXPECT_TRUE(queued.seen.empty());
  EXPECT_TRUE(sink.seen.empty());
  child().input.unblock();
  loop.run_until_idle();
}

TEST_F(StdioQuestionsTest, WithNoCallInFlightNobodyIsAsked) {
  open();
  ask("0", "roots/list");
  ask("1", "sampling/createMessage");
  ask("2", "elicitation/create");
  EXPECT_EQ(sent(), answer_line("0", kNoRoots) + answer_line("1", kSamplingRefusal) +
                        answer_line("2", kDecline));
}

TEST_F(StdioQuestionsTest, AClientWithoutASinkIsNotAsked) {
  open();
  call("tools/call", "{}", {.abilities = ClientAbilities::all()});
  written();
  ask("1", "elicitation/create");
  EXPECT_EQ(sent(), answer_line("1", kDecline));
}

TEST_F(StdioQuestionsTest, AnythingElseIsNotHandedOn) {
  open();
  call_with(sink);
  ask("1", "ping");
  ask("2", "tasks/get", R"({"taskId":"t"})");
  EXPECT_EQ(
      written(),
      answer_line("1", R"("result":{})") +
          answer_line("2", R"("error":{"code":-32601,"message":"Method not found: tasks/get"})"));
  EXPECT_TRUE(sink.seen.empty());
}

struct AbilityRow {
  const char* name;
  const char* method;
  const char* params;
  ClientAbilities enough;
};

class AbilityTest : public StdioQuestionsTest, public testing::WithParamInterface<AbilityRow> {};

TEST_P(AbilityTest, AClientIsAskedExactlyWhatItCanAnswer) {
  open();
  call_with(sink, GetParam().enough);
  ask("1", GetParam().method, GetParam().params);
  EXPECT_EQ(sink.seen.size(), 1U);
  sink.kept.clear();
  answer(2, "{}");
  // Whatever else it could do.
  const unsigned others = ClientAbilities::all().bits() & ~unsigned{GetParam().enough.bits()};
  call_with(sink, ClientAbilities::from_bits(others));
  ask("2", GetParam().method, GetParam().params);
  EXPECT_EQ(sink.seen.size(), 1U);
  EXPECT_NE(sent(), "");
}
INSTANTIATE_TEST_SUITE_P(
    All, AbilityTest,
    testing::Values(AbilityRow{"Roots", "roots/list", "{}", ClientAbility::kRoots},
                    AbilityRow{"Form", "elicitation/create", R"({"message":"?"})",
                               ClientAbility::kElicitationForm},
                    AbilityRow{"FormByName", "elicitation/create", R"({"mode":"form"})",
                               ClientAbility::kElicitationForm},
                    AbilityRow{"Url", "elicitation/create", R"({"mode":"url"})",
                               ClientAbility::kElicitationUrl},
                    AbilityRow{"Sampling", "sampling/createMessage", "{}",
                               ClientAbility::kSampling | ClientAbility::kSamplingTools},
                    AbilityRow{"SamplingWithTools", "sampling/createMessage", R"({"tools":[]})",
                               ClientAbility::kSamplingTools}),
    [](const auto& info) { return info.param.name; });

// --- Time ------------------------------------------------------------------------------------

TEST_F(StdioQuestionsTest, WhileAQuestionIsOutTheServersSilenceIsNotCounted) {
  open();
  TestCall& made = call_with(sink, ClientAbilities::all(), {.inactivity_ns = kSecond});
  ask("1", "elicitation/create");
  loop.advance_ns(100 * kSecond);
  EXPECT_FALSE(made.is_done()) << "a person thinks";
  sink.kept[0]->answer("{}");
  loop.advance_ns(kSecond - 1);
  EXPECT_FALSE(made.is_done());
  loop.advance_ns(1);
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->error.code, ErrorCode::kDeadlineExceeded);
}

TEST_F(StdioQuestionsTest, TheDeadlineHoldsWhateverIsAsked) {
  open();
  TestCall& made =
      call_with(sink, ClientAbilities::all(), {.deadline_ns = loop.now_ns() + kSecond});
  ask("1", "elicitation/create");
  loop.advance_ns(kSecond);
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kUnknown);
}

}  // namespace
}  // namespace mcpwire::io
