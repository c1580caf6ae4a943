// SPDX-License-Identifier: MIT
//
// Tasks of both kinds: polled as the server wishes, asked for input once, cancelled with their
// call.
#include "tests/io/exchange_fixture.hpp"

namespace mcpwire::io {
namespace {

using ::testing::ElementsAre;

constexpr auto kTask = ResultType::kTask;

class ModernTaskTest : public ExchangeTest {
 protected:
  ModernTaskTest() : ExchangeTest(Revision::k2026_07_28) {}
  void create(const char* created = R"({"taskId":"t\u0031","status":"working"})") {
    start("tools/call", R"({"name":"slow"})");
    answer(created, kTask);
  }
};

TEST_F(ModernTaskTest, IsPolledUntilItHasItsResult) {
  create(R"({"resultType":"task","taskId":"t\u0031","status":"working","pollIntervalMs":200})");
  EXPECT_EQ(server.waiting(), 0U);
  advance(199 * kNanosecondsPerMillisecond);
  EXPECT_EQ(server.waiting(), 0U);
  advance(kNanosecondsPerMillisecond);
  EXPECT_EQ(sent_method(), "tasks/get");
  EXPECT_EQ(sent_params(), R"({"taskId":"t\u0031"})");
  answer(R"({"taskId":"t1","status":"working","pollIntervalMs":500})");
  advance(500 * kNanosecondsPerMillisecond);
  answer(R"({"taskId":"t1","status":"completed","result":{"content":[ 1]}})");
  EXPECT_EQ(reply().outcome, Outcome::kOk);
  EXPECT_EQ(reply().body, R"({"content":[ 1]})");
}

TEST_F(ModernTaskTest, IsPolledByDefaultOnceASecondAndNeverInAHurry) {
  create(R"({"taskId":"t","status":"working","pollIntervalMs":0})");
  EXPECT_EQ(server.waiting(), 0U);
  advance(kTaskPollMinNs);
  answer(R"({"taskId":"t","status":"working"})");
  advance(kTaskPollNs - 1);
  EXPECT_EQ(server.waiting(), 0U);
  advance(1);
  answer(R"({"taskId":"t","status":"completed","result":{}})");
  EXPECT_EQ(reply().outcome, Outcome::kOk);
}

TEST_F(ModernTaskTest, ATaskThatTheServerTellsOfIsAskedAtOnce) {
  create(R"({"taskId":"t","status":"working","pollIntervalMs":50000})");
  // While its end cannot be asked for yet, it is remembered.
  news.tell(server, "notifications/tasks", R"({"taskId":"t","status":"completed","result":{}})");
  loop.run_until_idle();
  EXPECT_EQ(server.waiting(), 0U);
  advance(kTaskPollMinNs);
  EXPECT_EQ(sent_method(), "tasks/get");
  answer(R"({"taskId":"t","status":"completed","result":{"a":1}})");
  EXPECT_EQ(reply().body, R"({"a":1})");
}

TEST_F(ModernTaskTest, AFailedTaskIsTheServersError) {
  create();
  advance(kTaskPollNs);
  answer(R"({"taskId":"t1","status":"failed","error":{"code":-5,"message":"no"}})");
  EXPECT_EQ(reply().outcome, Outcome::kPeerError);
  EXPECT_EQ(reply().body, R"({"code":-5,"message":"no"})");
}

TEST_F(ModernTaskTest, ATaskThatIsCancelledAtTheServerIsCancelled) {
  create();
  advance(kTaskPollNs);
  answer(R"({"taskId":"t1","status":"cancelled"})");
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
  EXPECT_TRUE(reply().may_have_been_sent);
}

TEST_F(ModernTaskTest, AsksEachQuestionOnceAndBringsTheAnswer) {
  create();
  advance(kTaskPollNs);
  const char* asking =
      R"({"taskId":"t1","status":"input_required",)"
      R"("inputRequests":{"q":{"method":"elicitation/create","params":{"message":"?"}}}})";
  answer(asking);
  EXPECT_THAT(asked, ElementsAre(R"(elicitation/create {"message":"?"})"));
  questions[0]->answer(R"({"action":"accept"})");
  loop.run_until_idle();
  EXPECT_EQ(sent_method(), "tasks/update");
  EXPECT_EQ(sent_params(), R"({"inputResponses":{"q":{"action":"accept"}},"taskId":"t\u0031"})");
  answer("{}");
  advance(kTaskPollNs);
  answer(asking);  // The server has not taken notice yet.
  EXPECT_EQ(asked.size(), 1U);
  advance(kTaskPollNs);
  answer(R"({"taskId":"t1","status":"completed","result":{"a":1}})");
  EXPECT_EQ(reply().body, R"({"a":1})");
}

TEST_F(ModernTaskTest, GivingTheCallUpCancelsTheTask) {
  create();
  scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(sent_method(), "tasks/cancel");
  EXPECT_EQ(sent_params(), R"({"taskId":"t\u0031"})");
  EXPECT_FALSE(running->has_ended());
  answer("{}");
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
}

TEST_F(ModernTaskTest, GivingUpWhileItIsPolledCancelsItToo) {
  create();
  advance(kTaskPollNs);
  EXPECT_EQ(sent_method(), "tasks/get");
  scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(sent_method(), "tasks/cancel");
  advance(kTaskCancelNs);
  ASSERT_TRUE(running->has_ended()) << "a server that does not answer is not waited for";
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
}

TEST_F(ModernTaskTest, TheDeadlineEndsItAsUnknown) {
  options.deadline_ns = loop.now_ns() + 500 * kNanosecondsPerMillisecond;
  create();
  advance(500 * kNanosecondsPerMillisecond);
  EXPECT_EQ(sent_method(), "tasks/cancel");
  answer("{}");
  EXPECT_EQ(reply().outcome, Outcome::kUnknown);
  EXPECT_EQ(reply().error.code, ErrorCode::kDeadlineExceeded);
}

TEST_F(ModernTaskTest, WhatIsNoTaskEndsTheCall) {
  for (const char* created : {"{}", R"({"taskId":1,"status":"working"})", R"({"taskId":"t"})"}) {
    create(created);
    ASSERT_TRUE(running->has_ended()) << created;
    EXPECT_EQ(reply().outcome, Outcome::kUnknown) << created;
  }
  create(R"({"taskId":"t","status":"completed"})");
  EXPECT_EQ(reply().error.code, ErrorCode::kProtocolViolation);
}

class CoreTaskTest : public ExchangeTest {
 protected:
  CoreTaskTest() : ExchangeTest(Revision::k2025_11_25) {}
  void create() {
    start("tools/call", R"({"name":"slow","task":{"ttl":60000}})");
    answer(R"({"task":{"taskId":"t","status":"working","pollInterval":100}})");
  }
};

TEST_F(CoreTaskTest, IsPolledAndItsResultTaken) {
  create();
  advance(100 * kNanosecondsPerMillisecond);
  EXPECT_EQ(sent_method(), "tasks/get");
  answer(R"({"taskId":"t","status":"completed"})");
  EXPECT_EQ(sent_method(), "tasks/result");
  EXPECT_EQ(sent_params(), R"({"taskId":"t"})");
  answer(R"({"content":[]})");
  EXPECT_EQ(reply().body, R"({"content":[]})");
}

TEST_F(CoreTaskTest, WantingInputItIsTakenAtOnceForTheServerAsksMeanwhile) {
  create();
  advance(100 * kNanosecondsPerMillisecond);
  answer(R"({"taskId":"t","status":"input_required"})");
  EXPECT_EQ(sent_method(), "tasks/result");
  ASSERT_TRUE(server.ask(0, "elicitation/create", "{}"));
  questions[0]->answer(R"({"action":"decline"})");
  EXPECT_THAT(server.answers, ElementsAre(R"(result {"action":"decline"})"));
  answer("{}");
  EXPECT_EQ(reply().outcome, Outcome::kOk);
}

TEST_F(CoreTaskTest, GivingTheCallUpCancelsTheTask) {
  create();
  scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(sent_method(), "tasks/cancel");
  answer("{}");
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
}

TEST_F(CoreTaskTest, GivingUpWhileItsResultIsTakenCancelsItToo) {
  create();
  advance(100 * kNanosecondsPerMillisecond);
  answer(R"({"taskId":"t","status":"input_required"})");
  EXPECT_EQ(sent_method(), "tasks/result");
  scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(sent_method(), "tasks/cancel");
  answer("{}");
  EXPECT_EQ(reply().outcome, Outcome::kCancelled);
}

TEST_F(CoreTaskTest, TheServersIntervalIsKeptFromAnswerToAnswer) {
  create();
  advance(100 * kNanosecondsPerMillisecond);
  answer(R"({"taskId":"t","status":"working","pollInterval":700})");
  advance(699 * kNanosecondsPerMillisecond);
  EXPECT_EQ(server.waiting(), 0U);
  advance(kNanosecondsPerMillisecond);
  EXPECT_EQ(sent_method(), "tasks/get");
  answer(R"({"taskId":"t","status":"completed"})");
  answer("{}");
}

TEST_F(CoreTaskTest, AServerThatWantsToBeAskedRarelyIs) {
  start("tools/call", R"({"name":"slow","task":{}})");
  answer(R"({"task":{"taskId":"t","status":"working","pollInterval":600000}})");
  advance(600 * kSecond - 1);
  EXPECT_EQ(server.waiting(), 0U);
  advance(1);
  EXPECT_EQ(sent_method(), "tasks/get");
  answer(R"({"taskId":"t","status":"working","pollInterval":99999999999})");
  advance(kTaskPollMaxNs);
  EXPECT_EQ(sent_method(), "tasks/get");
  answer(R"({"taskId":"t","status":"completed"})");
  answer("{}");
}

TEST_F(CoreTaskTest, AnotherStatusThatTheServerTellsOfEndsTheWait) {
  start("tools/call", R"({"name":"slow","task":{}})");
  answer(R"({"task":{"taskId":"t","status":"working","pollInterval":50000}})");
  advance(kTaskPollMinNs);
  const auto tell = [this](const char* method, const char* task) {
    news.tell(server, method, task);
    loop.run_until_idle();
  };
  tell("notifications/tasks/status", R"({"taskId":"other","status":"completed"})");
  tell("notifications/tasks/status", R"({"taskId":"t","status":"working"})");
  tell("notifications/tasks/status", R"({"status":"completed"})");
  tell("notifications/message", R"({"taskId":"t","status":"completed"})");
  test_support::FakeMcpTransport stranger(loop);
  news.tell(stranger, "notifications/tasks/status", R"({"taskId":"t","status":"completed"})");
  loop.run_until_idle();
  EXPECT_EQ(server.waiting(), 0U);
  tell("notifications/tasks/status", R"({"taskId":"\u0074","status":"completed"})");
  EXPECT_EQ(sent_method(), "tasks/get") << "the server's word is not taken for its answer";
  answer(R"({"taskId":"t","status":"completed"})");
  answer(R"({"content":[]})");
  EXPECT_EQ(reply().outcome, Outcome::kOk);
  tell("notifications/tasks/status", R"({"taskId":"t","status":"failed"})");
}

TEST_F(CoreTaskTest, AServerThatTellsWithoutEndIsAskedNoMoreOftenThanTheShortestInterval) {
  start("tools/call", R"({"name":"slow","task":{}})");
  answer(R"({"task":{"taskId":"t","status":"working","pollInterval":50000}})");
  constexpr std::uint64_t kMs = kNanosecondsPerMillisecond;
  int asked_times = 0;
  for (int ms = 0; ms < 100; ++ms) {
    news.tell(server, "notifications/tasks/status", R"({"taskId":"t","status":"input_required"})");
    advance(kMs);
    if (server.waiting() == 0) continue;
    ++asked_times;
    answer(R"({"taskId":"t","status":"working","pollInterval":50000})");
  }
  EXPECT_EQ(asked_times, 5);
  scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  answer("{}");
}

TEST_F(CoreTaskTest, AResultWithoutATaskIsTheResult) {
  start("tools/call", R"({"name":"quick","task":{}})");
  answer(R"({"content":[],"task":7})");
  EXPECT_EQ(reply().body, R"({"content":[],"task":7})");
  EXPECT_EQ(server.sent(), 1U);
}

}  // namespace
}  // namespace mcpwire::io
