// SPDX-License-Identifier: MIT
//
// How calls and connections end: every call in exactly one outcome, and never in a wrong one.
#include "tests/io/stdio_transport_fixture.hpp"

#include <csignal>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using Strings = std::vector<std::string>;

constexpr std::uint64_t kSecond = kNanosecondsPerSecond;
constexpr std::string_view kCancelled3 =
    R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3,)"
    R"("reason":"cancelled by caller"}})"
    "\n";

class StdioTransportOutcomeTest : public StdioTransportTest {
 protected:
  void expect(const TestCall& made, Outcome outcome, bool may_have_been_sent) {
    ASSERT_TRUE(made.is_done());
    EXPECT_EQ(made.reply->outcome, outcome) << protocol::outcome_name(made.reply->outcome);
    EXPECT_EQ(made.reply->may_have_been_sent, may_have_been_sent);
  }
};

// --- Deadlines -------------------------------------------------------------------------------

TEST_F(StdioTransportOutcomeTest, ACallThatIsNotAnsweredInTimeIsUnknownAndTakenBack) {
  open();
  TestCall& made = call("a", {}, {.deadline_ns = loop.now_ns() + kSecond});
  written();
  loop.advance_ns(kSecond - 1);
  EXPECT_FALSE(made.is_done());
  loop.advance_ns(1);
  expect(made, Outcome::kUnknown, true);
  EXPECT_EQ(made.reply->error.code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","method":"notifications/cancelled",)"
                       R"("params":{"requestId":2,"reason":"timeout"}})"
                       "\n");
  answer(2, "1");
  EXPECT_EQ(transport->counters().late_responses, 1U);
  EXPECT_TRUE(transport->is_open());
}

TEST_F(StdioTransportOutcomeTest, ACallWhoseDeadlineIsOverIsNeverWritten) {
  open();
  expect(call("a", {}, {.deadline_ns = loop.now_ns()}), Outcome::kNotSent, false);
  EXPECT_EQ(written(), "");
}

TEST_F(StdioTransportOutcomeTest, ACallThatExpiresInTheQueueIsNotSentAndNeverWritten) {
  open();
  child().input.block();
  call("a");
  TestCall& queued = call("b", {}, {.deadline_ns = loop.now_ns() + kSecond});
  loop.advance_ns(kSecond);
  expect(queued, Outcome::kNotSent, false);
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_EQ(written(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"a\"}\n");
}

TEST_F(StdioTransportOutcomeTest, SilenceEndsACall) {
  open();
  TestCall& made = call("a", {}, {.inactivity_ns = kSecond});
  loop.advance_ns(kSecond);
  expect(made, Outcome::kUnknown, true);
}

TEST_F(StdioTransportOutcomeTest, ProgressPutsOffTheInactivityDeadlineButNotTheTotalOne) {
  open();
  TestCall& made =
      call("a", {}, {.deadline_ns = loop.now_ns() + 5 * kSecond, .inactivity_ns = 2 * kSecond});
  for (int step = 1; step <= 4; ++step) {
    loop.advance_ns(kSecond);
    EXPECT_FALSE(made.is_done()) << step;
    feed(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,)"
         R"("progress":)" +
         std::to_string(step) + "}}");
  }
  loop.advance_ns(kSecond - 1);
  EXPECT_FALSE(made.is_done());
  loop.advance_ns(1);
  expect(made, Outcome::kUnknown, true);
}

TEST_F(StdioTransportOutcomeTest, ProgressThatDoesNotIncreaseDoesNotPutOffAnything) {
  open();
  TestCall& made = call("a", {}, {.inactivity_ns = 2 * kSecond});
  for (int i = 0; i < 2; ++i) {
    feed(R"({"jsonrpc":"2.0","method":"notifications/progress",)"
         R"("params":{"progressToken":2,"progress":1}})");
    loop.advance_ns(kSecond);
  }
  expect(made, Outcome::kUnknown, true);
}

// --- Cancellation ----------------------------------------------------------------------------

TEST_F(StdioTransportOutcomeTest, ACallCancelledInTheQueueIsNeverWritten) {
  open();
  child().input.block();
  call("a");
  TestCall& queued = call("b");
  queued.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  expect(queued, Outcome::kCancelled, false);
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_EQ(written(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"a\"}\n");
}

TEST_F(StdioTransportOutcomeTest, TheEndOfTheDaemonIsNoCancellation) {
  open();
  TestCall& sent = call("a");
  child().input.block();
  call("b");
  TestCall& queued = call("c");
  sent.scope.cancel(CancelCause::kShutdown);
  queued.scope.cancel(CancelCause::kShutdown);
  loop.run_until_idle();
  expect(sent, Outcome::kUnknown, true);
  expect(queued, Outcome::kNotSent, false);
  EXPECT_EQ(queued.reply->error.code, ErrorCode::kShuttingDown);
}

TEST_F(StdioTransportOutcomeTest, ACallCancelledAfterItWasSentIsTakenBackFromTheServer) {
  open();
  TestCall& other = call("a");
  TestCall& made = call("b");
  written();
  made.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  expect(made, Outcome::kCancelled, true);
  EXPECT_EQ(written(), kCancelled3);
  answer(3, "1");
  EXPECT_EQ(transport->counters().late_responses, 1U);
  answer(2, "1");
  expect(other, Outcome::kOk, true);
}

TEST_F(StdioTransportOutcomeTest, ALineThatIsBeingWrittenOutlivesItsCancelledCall) {
  open();
  call("a");
  written();
  child().input.block();
  TestCall& made = call("b", "{\"text\":\"" + std::string(10'000, 'x') + "\"}");
  child().input.accept_while_blocked(100);
  made.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  expect(made, Outcome::kCancelled, true);
  child().input.unblock();
  loop.run_until_idle();
  const std::string all = written();
  EXPECT_EQ(all.find('\n'), all.size() - kCancelled3.size() - 1);
  EXPECT_TRUE(all.ends_with(kCancelled3));
}

TEST_F(StdioTransportOutcomeTest, ACallOfACancelledScopeIsNotSent) {
  open();
  CancelScope cancelled;
  cancelled.cancel(CancelCause::kPeerGone);
  expect(call("a", {}, {.scope = &cancelled}), Outcome::kCancelled, false);
  EXPECT_EQ(written(), "");
}

TEST_F(StdioTransportOutcomeTest, AScopesDeadlineCountsAsADeadline) {
  open();
  TestCall& made = call("a");
  made.scope.cancel(CancelCause::kDeadline);
  loop.run_until_idle();
  expect(made, Outcome::kUnknown, true);
}

// --- The send observer -----------------------------------------------------------------------

TEST_F(StdioTransportOutcomeTest, AsksRightBeforeTheFirstByteAndTellsAfterTheLast) {
  open();
  TestSendObserver first;
  TestSendObserver second;
  child().input.block();
  call("a", {}, {.observer = &first});
  call("b", {}, {.observer = &second});
  EXPECT_EQ(first.asked, 1);
  EXPECT_EQ(first.sent, 0);
  EXPECT_EQ(second.asked, 0);
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_EQ(first.sent, 1);
  EXPECT_EQ(second.asked, 1);
  EXPECT_EQ(second.sent, 1);
}

TEST_F(StdioTransportOutcomeTest, ARevokedCallIsNotSentAndDoesNotHoldUpOthers) {
  open();
  TestSendObserver revoked;
  revoked.allow = false;
  child().input.block();
  TestCall& first = call("a");
  TestCall& second = call("b", {}, {.observer = &revoked});
  TestCall& third = call("c");
  child().input.unblock();
  loop.run_until_idle();
  expect(second, Outcome::kNotSent, false);
  EXPECT_EQ(written(),
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"a\"}\n"
            "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"c\"}\n");
  EXPECT_EQ(revoked.sent, 0);
  EXPECT_FALSE(first.is_done() || third.is_done());
}

// --- A full queue ----------------------------------------------------------------------------

TEST_F(StdioTransportOutcomeTest, RejectsWhatAServerThatDoesNotReadWouldPileUp) {
  open({.limits = {.queue_bytes_max = 70}});
  child().input.block();
  TestCall& first = call("a");
  TestCall& second = call("b");
  TestCall& third = call("c");
  expect(third, Outcome::kRejected, false);
  EXPECT_EQ(third.reply->error.code, ErrorCode::kQueueFull);
  EXPECT_EQ(third.reply->error.message(),
            "the server does not read fast enough: 76 bytes wait for it already "
            "(limits.queueBytes: 70)");
  EXPECT_FALSE(first.is_done() || second.is_done());
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_FALSE(call("d").is_done());
}

TEST_F(StdioTransportOutcomeTest, ASingleLineOverTheLimitMayStillPass) {
  open({.limits = {.queue_bytes_max = 100}});
  TestCall& made = call("a", "{\"text\":\"" + std::string(1000, 'x') + "\"}");
  answer(2, "1");
  expect(made, Outcome::kOk, true);
}

TEST_F(StdioTransportOutcomeTest, ALargeLineWaitsBehindOthers) {
  // As the first call of a server does that has not taken the end of the handshake yet.
  open({.limits = {.queue_bytes_max = 100}});
  child().input.block();
  TestCall& small = call("a");
  TestCall& large = call("b", "{\"text\":\"" + std::string(1000, 'x') + "\"}");
  EXPECT_FALSE(large.is_done());
  child().input.unblock();
  answer(2, "1");
  answer(3, "2");
  expect(small, Outcome::kOk, true);
  expect(large, Outcome::kOk, true);
}

TEST_F(StdioTransportOutcomeTest, PingsOfAServerThatDoesNotReadAreForgotten) {
  open({.limits = {.queue_bytes_max = 1000}});
  child().input.block();
  for (int i = 0; i < 1000; ++i) feed(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_LE(written().size(), 1000U);
  EXPECT_EQ(transport->counters().server_requests, 1000U);
}

// --- Death -----------------------------------------------------------------------------------

TEST_F(StdioTransportOutcomeTest, AServerKilledInMidCallMakesSentCallsUnknownAndOthersNotSent) {
  open();
  TestCall& sent = call("a");
  child().input.block();
  TestCall& queued_behind = call("b");
  TestCall& queued = call("c");
  child().input.fail_after(3, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
  child().die({true, SIGKILL});
  child().input.unblock();
  loop.run_until_idle();
  expect(sent, Outcome::kUnknown, true);
  expect(queued_behind, Outcome::kNotSent, false);
  expect(queued, Outcome::kNotSent, false);
  EXPECT_EQ(sent.reply->error.code, ErrorCode::kServerExited);
  EXPECT_EQ(closed_with, Strings{"the server was killed by signal 9"});
  EXPECT_FALSE(transport->is_open());
  EXPECT_EQ(transport->process_id(), 0);
}

class BrokenWriteTest : public StdioTransportOutcomeTest {
 protected:
  static constexpr std::size_t kLineBytes =
      std::string_view("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"a\"}\n").size();
  TestCall& write_that_breaks_after(std::size_t bytes) {
    open();
    child().input.fail_after(bytes, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
    TestCall& made = call("a");
    child().die({false, 1});
    loop.run_until_idle();
    return made;
  }
};

TEST_F(BrokenWriteTest, ALineThatLacksItsLastJsonByteIsNotSent) {
  expect(write_that_breaks_after(kLineBytes - 2), Outcome::kNotSent, false);
}

TEST_F(BrokenWriteTest, ALineThatLacksOnlyItsNewlineIsUnknown) {
  expect(write_that_breaks_after(kLineBytes - 1), Outcome::kUnknown, true);
}

TEST_F(BrokenWriteTest, NothingAcceptedIsNotSent) {
  expect(write_that_breaks_after(0), Outcome::kNotSent, false);
}

TEST_F(StdioTransportOutcomeTest, AWriteOfWhichNothingIsKnownCountsAsSent) {
  open();
  child().input.block();
  TestCall& made = call("a");
  child().die({true, SIGKILL});
  loop.run_until_idle();
  EXPECT_FALSE(made.is_done()) << "the write may still tell";
  loop.advance_ns(kSecond);
  expect(made, Outcome::kUnknown, true);
}

TEST_F(StdioTransportOutcomeTest, AFailedWriteAloneEndsTheConnection) {
  open();
  child().input.fail_after(0, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
  TestCall& made = call("a");
  EXPECT_FALSE(transport->is_open());
  loop.advance_ns(kSecond);
  expect(made, Outcome::kNotSent, false);
  loop.advance_ns(10 * kSecond);
  EXPECT_TRUE(child().has_exited()) << "the stop ladder ran";
}

TEST_F(StdioTransportOutcomeTest, NoLineIsStartedOnceTheEndHasBegun) {
  open();
  child().input.block();
  call("a");
  TestCall& queued = call("b");
  child().output.feed_end();
  loop.run_until_idle();
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_EQ(written(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"a\"}\n");
  loop.advance_ns(kSecond);
  expect(queued, Outcome::kNotSent, false);
}

TEST_F(StdioTransportOutcomeTest, WaitsForTheExitCodeWhereTheStreamsEndFirst) {
  open();
  child().output.feed_end();
  child().error_output.feed_end();
  loop.run_until_idle();
  EXPECT_EQ(closed_with, Strings{});
  child().exit({false, 7});
  loop.run_until_idle();
  EXPECT_EQ(closed_with, Strings{"the server exited with code 7"});
}

TEST_F(StdioTransportOutcomeTest, AnswersThatArriveAfterTheExitStillCount) {
  open();
  TestCall& made = call("a");
  child().exit({false, 0});
  loop.run_until_idle();
  EXPECT_FALSE(transport->is_open());
  EXPECT_FALSE(made.is_done());
  answer(2, "1");
  expect(made, Outcome::kOk, true);
}

TEST_F(StdioTransportOutcomeTest, AGrandchildThatHoldsThePipesDelaysTheEndOnlyForAWhile) {
  open();
  TestCall& made = call("a");
  child().exit({false, 7});
  loop.advance_ns(StdioTransportOptions{}.drain_ns - 1);
  EXPECT_FALSE(made.is_done());
  loop.advance_ns(1);
  expect(made, Outcome::kUnknown, true);
  EXPECT_EQ(closed_with, Strings{"the server exited with code 7"});
}

TEST_F(StdioTransportOutcomeTest, AServerThatOnlyClosesItsOutputIsStopped) {
  open();
  TestCall& made = call("a");
  child().output.feed_end();
  loop.advance_ns(kSecond);
  expect(made, Outcome::kUnknown, true);
  EXPECT_EQ(closed_with, Strings{"the server closed its connection"});
  EXPECT_TRUE(child().input.is_closed());
  loop.advance_ns(10 * kSecond);
  EXPECT_EQ(child().signals, std::vector<StopSignal>{StopSignal::kTerminate});
}

TEST_F(StdioTransportOutcomeTest, APartialLineAtTheEndIsNoAnswer) {
  open();
  TestCall& made = call("a");
  feed_bytes(R"({"jsonrpc":"2.0","id":2,"result":1})");
  child().die({false, 0});
  loop.run_until_idle();
  expect(made, Outcome::kUnknown, true);
}

TEST_F(StdioTransportOutcomeTest, CallsAfterTheEndAreNotSent) {
  open();
  child().die({false, 0});
  loop.run_until_idle();
  expect(call("a"), Outcome::kNotSent, false);
}

TEST_F(StdioTransportOutcomeTest, KeepsTheLast64KibibytesOfStderr) {
  open();
  for (int i = 0; i < 100; ++i) child().error_output.feed(std::string(1000, 'x'));
  child().error_output.feed("\nlast \x1b[31mwords\n");
  child().die({false, 1});
  loop.run_until_idle();
  EXPECT_EQ(transport->stderr_tail().size(), std::size_t{64} << 10);
  EXPECT_TRUE(transport->stderr_tail().ends_with("words\n"));
  EXPECT_EQ(closed_with, Strings{"the server exited with code 1; its last words: last [31mwords"});
}

// --- Closing ---------------------------------------------------------------------------------

TEST_F(StdioTransportOutcomeTest, CloseEndsWhatIsInFlightAndRunsTheLadder) {
  open();
  TestCall& sent = call("a");
  child().input.block();
  call("b");
  TestCall& queued = call("c");
  bool is_closed = false;
  const auto close = [](StdioTransport* closing, bool* done) -> task<Result<void>> {
    co_await closing->close();
    *done = true;
    co_return Result<void>{};
  };
  scope.spawn(close(transport.get(), &is_closed));
  loop.run_until_idle();
  expect(sent, Outcome::kUnknown, true);
  expect(queued, Outcome::kNotSent, false);
  EXPECT_EQ(sent.reply->error.code, ErrorCode::kShuttingDown);
  EXPECT_TRUE(child().input.is_closed());
  EXPECT_FALSE(is_closed);
  child().exits_on_terminate = false;
  loop.advance_ns(4 * kSecond - 1);
  EXPECT_FALSE(is_closed);
  loop.advance_ns(1);
  EXPECT_TRUE(is_closed);
  EXPECT_EQ(child().signals, (std::vector<StopSignal>{StopSignal::kTerminate, StopSignal::kKill}));
  EXPECT_EQ(closed_with, Strings{}) << "whoever closes knows";
}

TEST_F(StdioTransportOutcomeTest, ManyMayWaitForOneClose) {
  open();
  int closed = 0;
  const auto close = [](StdioTransport* closing, int* count) -> task<Result<void>> {
    co_await closing->close();
    ++*count;
    co_return Result<void>{};
  };
  for (int i = 0; i < 3; ++i) scope.spawn(close(transport.get(), &closed));
  loop.advance_ns(kSecond);
  EXPECT_EQ(closed, 0);
  child().exit({false, 0});
  loop.run_until_idle();
  EXPECT_EQ(closed, 3);
  scope.spawn(close(transport.get(), &closed));
  loop.run_until_idle();
  EXPECT_EQ(closed, 4);
}

TEST_F(StdioTransportOutcomeTest, ClosingWhatWasNeverOpenedDoesNothing) {
  create();
  EXPECT_FALSE(transport->is_open());
}

TEST_F(StdioTransportOutcomeTest, ClosingDuringTheHandshakeEndsTheOpen) {
  create();
  start_open();
  const auto close = [](StdioTransport* closing) -> task<Result<void>> {
    co_await closing->close();
    co_return Result<void>{};
  };
  scope.spawn(close(transport.get()));
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kShuttingDown);
}

TEST_F(StdioTransportOutcomeTest, TheDestructorLeavesNoProcess) {
  open();
  transport.reset();
  EXPECT_TRUE(child().is_destroyed);
}

}  // namespace
}  // namespace mcpwire::io
