// SPDX-License-Identifier: MIT
//
// Rounds of `input_required`: what is asked, what goes back, and that nothing of it is a lie.
#include "tests/io/exchange_fixture.hpp"

namespace mcpwire::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInput = ResultType::kInputRequired;
constexpr const char* kAsk =
    R"({"resultType":"input_required","inputRequests":{"a\u0062":{"method":"elicitation/create",)"
    R"("params":{"message":"who?"}}},"requestState":"s\u0074ate=="})";

class InputRoundsTest : public ExchangeTest {
 protected:
  InputRoundsTest() : ExchangeTest(Revision::k2026_07_28) {}
};

TEST_F(InputRoundsTest, ACompleteResultPassesAsItIs) {
  start("tools/call", R"({"name":"x"})");
  EXPECT_EQ(sent_params(), R"({"name":"x"})");
  answer(R"({"resultType":"complete", "content":[]})");
  EXPECT_EQ(reply().outcome, Outcome::kOk);
  EXPECT_EQ(reply().body, R"({"resultType":"complete", "content":[]})");
  EXPECT_EQ(server.sent(), 1U);
}

TEST_F(InputRoundsTest, AnswersGoBackUnderTheirKeysWithTheStateAsItCame) {
  start("tools/call", R"({"name":"x","arguments":{}})");
  answer(kAsk, kInput);
  EXPECT_THAT(asked, ElementsAre(R"(elicitation/create {"message":"who?"})"));
  EXPECT_EQ(server.waiting(), 0U);
  questions[0]->answer(R"({"action":"accept","content":{"n":1}})");
  loop.run_until_idle();
  EXPECT_EQ(sent_method(), "tools/call");
  EXPECT_EQ(sent_params(), R"({"inputResponses":{"a\u0062":{"action":"accept","content":{"n":1}}},)"
                           R"("requestState":"s\u0074ate==","name":"x","arguments":{}})");
  answer(R"({"content":[1]})");
  EXPECT_EQ(reply().body, R"({"content":[1]})");
}

TEST_F(InputRoundsTest, SeveralQuestionsAreAskedAtOnceAndAnsweredInAnyOrder) {
  start("prompts/get", "{}");
  answer(R"({"inputRequests":{"1":{"method":"roots/list"},)"
         R"("2":{"method":"elicitation/create","params":{}}}})",
         kInput);
  ASSERT_EQ(questions.size(), 2U);
  questions[1]->answer("{}");
  loop.run_until_idle();
  EXPECT_EQ(server.waiting(), 0U) << "one answer is missing";
  questions[0]->answer(R"({"roots":[]})");
  loop.run_until_idle();
  EXPECT_EQ(sent_params(), R"({"inputResponses":{"1":{"roots":[]},"2":{}}})");
  answer("{}");
}

TEST_F(InputRoundsTest, AStateAloneIsSentBackAtOnce) {
  start("resources/read", R"({"uri":"a"})");
  answer(R"({"requestState":"later"})", kInput);
  EXPECT_EQ(sent_params(), R"({"requestState":"later","uri":"a"})");
  answer(R"({"requestState":"again"})", kInput);
  EXPECT_EQ(sent_params(), R"({"requestState":"again","uri":"a"})") << "of the last round alone";
  answer("{}");
  EXPECT_EQ(reply().outcome, Outcome::kOk);
}

TEST_F(InputRoundsTest, WhoCannotBeAskedDeclinesByTheDefinedResult) {
  options.server_requests = nullptr;
  method = "tools/call";
  options.scope = &scope;
  running = std::make_unique<test_support::BackgroundTask<RpcReply>>(
      loop, exchange(loop, server, method, params, options));
  answer(kAsk, kInput);
  EXPECT_THAT(sent_params(), HasSubstr(R"({"action":"decline"})"));
  answer("{}");
}

TEST_F(InputRoundsTest, AQuestionThatIsDroppedIsDeclined) {
  start("tools/call", "{}");
  answer(kAsk, kInput);
  questions.clear();
  loop.run_until_idle();
  EXPECT_THAT(sent_params(), HasSubstr(R"({"action":"decline"})"));
  answer("{}");
}

TEST_F(InputRoundsTest, RefusedSamplingEndsTheCallAsCancelledAfterItWasSent) {
  start("tools/call", "{}");
  answer(R"({"inputRequests":{"1":{"method":"sampling/createMessage","params":{}}}})", kInput);
  questions[0]->answer_error(R"({"code":1})");
  loop.run_until_idle();
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
  EXPECT_TRUE(reply().may_have_been_sent);
  EXPECT_THAT(reply().error.message(), HasSubstr("sampling/createMessage"));
  EXPECT_EQ(server.sent(), 1U);
}

TEST_F(InputRoundsTest, RoundsWithoutEndAreCutOff) {
  start("tools/call", "{}");
  for (int round = 0; round <= kInputRoundsMax; ++round) {
    ASSERT_FALSE(running->has_ended()) << round;
    answer(R"({"requestState":"x"})", kInput);
  }
  ASSERT_TRUE(running->has_ended());
  EXPECT_EQ(reply().outcome, Outcome::kUnknown);
  EXPECT_EQ(reply().error.code, ErrorCode::kProtocolViolation);
  EXPECT_EQ(server.sent(), 11U);
}

TEST_F(InputRoundsTest, BrokenQuestionsEndTheCall) {
  for (const char* result :
       {"{}", R"({"inputRequests":[]})", R"({"inputRequests":{"a":1}})",
        R"({"inputRequests":{"a":{"method":"tools/call"}}})", R"({"inputRequests":{"a":{}}})",
        R"({"inputRequests":{"a":{"method":"roots/list"},"a":{"method":"roots/list"}}})"}) {
    start("tools/call", "{}");
    answer(result, kInput);
    ASSERT_TRUE(running->has_ended()) << result;
    EXPECT_EQ(reply().outcome, Outcome::kUnknown) << result;
    EXPECT_EQ(reply().error.kind, ErrorKind::kInvalid) << result;
    EXPECT_TRUE(asked.empty()) << result;
  }
}

TEST_F(InputRoundsTest, WhoBringsHisOwnAnswersGetsEachResultAsItIs) {
  start("tools/call", R"({"requestState":"mine"})");
  answer(kAsk, kInput);
  ASSERT_TRUE(running->has_ended());
  EXPECT_EQ(reply().body, kAsk);
  start("tools/call", R"({"arguments":{"requestState":"just an argument"}})");
  answer(kAsk, kInput);
  EXPECT_FALSE(running->has_ended());
  questions.clear();
  loop.run_until_idle();
  answer("{}");
}

TEST_F(InputRoundsTest, AfterTheFirstRoundNothingIsNotSent) {
  start("tools/call", "{}");
  answer(R"({"requestState":"x"})", kInput);
  server.answer(
      0,
      RpcReply{
          Outcome::kNotSent, {}, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed), false});
  loop.run_until_idle();
  EXPECT_EQ(reply().outcome, Outcome::kUnknown);
  EXPECT_TRUE(reply().may_have_been_sent);
}

TEST_F(InputRoundsTest, TheCallerMayGiveUpWhileHeIsAsked) {
  start("tools/call", "{}");
  answer(kAsk, kInput);
  scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
  EXPECT_TRUE(reply().may_have_been_sent);
  questions[0]->answer("{}");  // Nobody waits for it any more.
}

TEST_F(InputRoundsTest, TheDeadlineCountsWhileHeIsAsked) {
  options.deadline_ns = loop.now_ns() + 5 * kSecond;
  start("tools/call", "{}");
  answer(kAsk, kInput);
  advance(4 * kSecond);
  EXPECT_FALSE(running->has_ended());
  advance(kSecond);
  ASSERT_TRUE(running->has_ended());
  EXPECT_EQ(reply().outcome, Outcome::kUnknown);
  EXPECT_EQ(reply().error.code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace mcpwire::io
