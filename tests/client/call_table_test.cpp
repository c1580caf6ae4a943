// SPDX-License-Identifier: MIT
#include "client/detail/call_table.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace mcpwire::client::detail {
namespace {

using protocol::CallState;
using protocol::Method;
using protocol::Outcome;

class CallTableTest : public ::testing::Test {
 protected:
  Call& add(Method method = Method::kCallTool) {
    Call* call = calls_.add(method, "payload", kNever);
    EXPECT_NE(call, nullptr);
    return *call;
  }
  void lose_link(CallState state) {
    calls_.settle_lost([state](std::uint64_t) { return state; },
                       Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
  }
  static CallReply ok() { return {Outcome::kOk, "{}", {}, true}; }
  static CallReply ending() {
    return {
        Outcome::kNotSent, {}, Error::of(ErrorKind::kOverloaded, ErrorCode::kShuttingDown), false};
  }

  CallTable calls_{AutoStart::kYes};
};

TEST_F(CallTableTest, ASlotIsNotReusedBeforeItsAnswerIsThere) {
  Call& given_up = add();
  const std::uint64_t old = given_up.correlation;
  calls_.abandon(given_up);
  for (std::size_t i = 1; i < protocol::kCallWindow; ++i) {
    EXPECT_NE(protocol::call_word_index(add().correlation), protocol::call_word_index(old));
  }
  EXPECT_EQ(calls_.add(Method::kPing, {}, kNever), nullptr);
  calls_.answer(old, ok());
  EXPECT_EQ(protocol::call_word_index(add().correlation), protocol::call_word_index(old));
}

TEST_F(CallTableTest, AnAnswerToAGivenUpCallReachesNobody) {
  Call& call = add();
  const std::uint64_t correlation = call.correlation;
  calls_.abandon(call);
  EXPECT_EQ(calls_.find(correlation), nullptr);
  calls_.answer(correlation, ok());
  EXPECT_EQ(calls_.find(correlation), nullptr);
}

TEST_F(CallTableTest, TheFirstAnswerCounts) {
  Call& call = add();
  calls_.answer(call.correlation, ok());
  calls_.answer(call.correlation, ending());
  EXPECT_EQ(calls_.take(call).outcome, Outcome::kOk);
}

TEST_F(CallTableTest, OnlyWhatMayHaveBeenSentIsUnknownAfterALoss) {
  for (const CallState state : {CallState::kNone, CallState::kClaimed, CallState::kSending,
                                CallState::kSent, CallState::kDone}) {
    Call& call = add();
    lose_link(state);
    if (protocol::may_have_been_sent(state)) {
      ASSERT_TRUE(call.reply.has_value());
      EXPECT_EQ(call.reply->outcome, Outcome::kUnknown);
    } else {
      EXPECT_FALSE(call.reply.has_value());
    }
    call.reply = ok();
    calls_.take(call);
  }
}

TEST_F(CallTableTest, SafeRequestsAreNeverUnknown) {
  const Call& call = add(Method::kListTools);
  lose_link(CallState::kDone);
  EXPECT_FALSE(call.reply.has_value());
}

TEST_F(CallTableTest, ADaemonThatIsGoneHasShutDown) {
  const Call& call = add(Method::kShutdown);
  lose_link(CallState::kNone);
  ASSERT_TRUE(call.reply.has_value());
  EXPECT_EQ(call.reply->outcome, Outcome::kOk);
}

TEST_F(CallTableTest, ADaemonThatIsMerelySilentHasNotShutDown) {
  const Call& call = add(Method::kShutdown);
  calls_.settle_lost([](std::uint64_t) { return CallState::kNone; },
                     Error::of(ErrorKind::kTimeout, ErrorCode::kDaemonUnreachable));
  EXPECT_FALSE(call.reply.has_value());
}

TEST_F(CallTableTest, ACancelledCallIsNotSentAgain) {
  Call& call = add();
  call.cancel_requested = true;
  lose_link(CallState::kClaimed);
  ASSERT_TRUE(call.reply.has_value());
  EXPECT_EQ(call.reply->outcome, Outcome::kCancelled);
  EXPECT_FALSE(call.reply->may_have_been_sent);
}

TEST_F(CallTableTest, RefusalsByEndingDaemonsAreNoFailedAttempts) {
  Call& call = add();
  for (std::uint32_t i = 0; i < kRefusalsMax; ++i) {
    ++call.attempts;
    calls_.answer(call.correlation, ending());
    ASSERT_FALSE(call.reply.has_value()) << i;
    ASSERT_EQ(call.attempts, 0U);
    call.refused.reset();
  }
  calls_.answer(call.correlation, ending());
  EXPECT_TRUE(call.reply.has_value()) << "not for ever";
}

TEST_F(CallTableTest, ARefusalThatMayHaveBeenSentIsFinal) {
  Call& call = add();
  CallReply reply = ending();
  reply.may_have_been_sent = true;
  calls_.answer(call.correlation, std::move(reply));
  EXPECT_TRUE(call.reply.has_value());
}

}  // namespace
}  // namespace mcpwire::client::detail
