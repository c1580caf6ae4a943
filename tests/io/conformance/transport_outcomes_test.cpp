// SPDX-License-Identifier: MIT
//
// What every McpTransport owes who uses it: each call ends in exactly one outcome, "not sent" is
// never a lie, a server that does not read cannot make us grow, and nothing is left behind.
#include "tests/io/conformance/conformance_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TransportOutcomes : public TransportConformance {};
INSTANTIATE_TEST_SUITE_P(Every, TransportOutcomes, testing::ValuesIn(kTransports),
                         [](const auto& kind) { return kind.param.name; });

class Watcher final : public SendObserver {
 public:
  bool may_send() override {
    ++asked;
    return allows;
  }
  void on_sent() override { ++sent; }
  bool allows = true;
  int asked = 0;
  int sent = 0;
};

// --- The line between sent and not sent ------------------------------------------------------

TEST_P(TransportOutcomes, IsAskedOnceBeforeACallGoesOutAndToldOnceWhenItHas) {
  open();
  Watcher watcher;
  ConformanceCall& clogging = clog();
  ConformanceCall& made = call("a", {}, {.observer = &watcher});
  EXPECT_EQ(watcher.asked, 0) << "it waits behind another";
  peer->read_on();
  answer(next(), "0");
  const Sent request = next();
  EXPECT_EQ(watcher.asked, 1);
  answer(request, "1");
  expect_ok(made, "1");
  expect_ok(clogging, "0");
  EXPECT_EQ(watcher.asked, 1);
  EXPECT_EQ(watcher.sent, 1);
}

TEST_P(TransportOutcomes, ACallThatIsTakenBackAtTheLastMomentNeverArrives) {
  open();
  Watcher watcher;
  watcher.allows = false;
  expect_outcome(call("revoked", {}, {.observer = &watcher}), Outcome::kNotSent, false);
  EXPECT_FALSE(has_arrived("revoked"));
  EXPECT_EQ(watcher.asked, 1);
  EXPECT_EQ(watcher.sent, 0);
}

TEST_P(TransportOutcomes, ACallOfACancelledScopeNeverArrives) {
  open();
  CancelScope cancelled;
  cancelled.cancel(CancelCause::kPeerGone);
  expect_outcome(call("a", {}, {.scope = &cancelled}), Outcome::kCancelled, false);
  EXPECT_FALSE(has_arrived("a"));
}

TEST_P(TransportOutcomes, ACallWhoseDeadlineIsOverNeverArrives) {
  open();
  expect_outcome(call("a", {}, {.deadline_ns = peer->loop().now_ns()}), Outcome::kNotSent, false);
  EXPECT_FALSE(has_arrived("a"));
}

// --- Deadlines and cancellation --------------------------------------------------------------

TEST_P(TransportOutcomes, ACallThatIsNotAnsweredInTimeIsUnknownAndTheServerIsTold) {
  open();
  ConformanceCall& made = call("a", {}, {.deadline_ns = peer->loop().now_ns() + kShortNs});
  const Sent request = next();
  expect_outcome(made, Outcome::kUnknown, true);
  EXPECT_EQ(made.reply->error.code, ErrorCode::kDeadlineExceeded);
  const Sent told = next();
  EXPECT_EQ(told.method, "notifications/cancelled");
  EXPECT_THAT(told.params, HasSubstr("\"requestId\":" + request.id));
  EXPECT_TRUE(transport().is_open());
}

TEST_P(TransportOutcomes, ASilentServerEndsACallAndProgressPutsThatOff) {
  open();
  ConformanceCall& made = call("a", {}, {.inactivity_ns = kNanosecondsPerSecond / 2});
  const Sent request = next();
  peer->pass(kNanosecondsPerSecond / 4);
  peer->say(request, R"({"jsonrpc":"2.0","method":"notifications/progress","params":)"
                     R"({"progressToken":)" +
                         request.id + R"(,"progress":1}})");
  const std::uint64_t told_ns = peer->loop().now_ns();
  expect_outcome(made, Outcome::kUnknown, true);
  EXPECT_GE(peer->loop().now_ns(), told_ns + kNanosecondsPerSecond / 2);
}

TEST_P(TransportOutcomes, ACallCancelledInFlightIsTakenBackFromTheServer) {
  open();
  ConformanceCall& made = call("a");
  ConformanceCall& other = call("b");
  const Sent request = next();
  const Sent other_request = next();
  made.scope.cancel(CancelCause::kCaller);
  expect_outcome(made, Outcome::kCancelled, true);
  const Sent told = next();
  EXPECT_EQ(told.method, "notifications/cancelled");
  EXPECT_THAT(told.params, HasSubstr("\"requestId\":" + request.id));
  // The answer that was under way already is nobody's.
  answer(request, R"("late")");
  answer(other_request, "1");
  expect_ok(other, "1");
}

TEST_P(TransportOutcomes, ACallCancelledWhileItWaitsNeverArrives) {
  open();
  clog();
  ConformanceCall& waiting = call("waiting");
  waiting.scope.cancel(CancelCause::kCaller);
  expect_outcome(waiting, Outcome::kCancelled, false);
  peer->read_on();
  EXPECT_EQ(next().method, "clog");
  EXPECT_FALSE(has_arrived("waiting"));
}

TEST_P(TransportOutcomes, OurOwnEndIsNoCancellation) {
  open();
  ConformanceCall& sent = call("a");
  next();
  clog();
  ConformanceCall& waiting = call("waiting");
  sent.scope.cancel(CancelCause::kShutdown);
  waiting.scope.cancel(CancelCause::kShutdown);
  expect_outcome(sent, Outcome::kUnknown, true);
  expect_outcome(waiting, Outcome::kNotSent, false);
}

// --- Back-pressure and limits ----------------------------------------------------------------

TEST_P(TransportOutcomes, AServerThatDoesNotReadIsNotGivenMoreThanItsQueueHolds) {
  create({.queue_bytes_max = 1000});
  open();
  clog();
  std::size_t rejected = 0;
  for (int i = 0; i < 100; ++i) {
    ConformanceCall& made = call("m" + std::to_string(i));
    if (!made.reply.has_value()) continue;
    ++rejected;
    EXPECT_EQ(made.reply->outcome, Outcome::kRejected);
    EXPECT_EQ(made.reply->error.kind, ErrorKind::kOverloaded);
    EXPECT_FALSE(made.reply->may_have_been_sent);
  }
  EXPECT_GT(rejected, 50U);
  peer->read_on();
  answer(next(), "0");
  const std::vector<Sent> waited = rest();
  EXPECT_EQ(waited.size(), 100 - rejected);
  for (const Sent& request : waited) answer(request, "1");
  ConformanceCall& after = call("after");
  answer(next(), "2");
  expect_ok(after, "2");
}

TEST_P(TransportOutcomes, AMessageOverTheLimitEndsItsCallWithTheLimitsName) {
  create({.line_bytes_max = 5000, .message_bytes_max = 5000});
  open();
  ConformanceCall& made = call("a");
  answer(next(), '"' + std::string(10'000, 'x') + '"');
  expect_outcome(made, Outcome::kUnknown, true);
  EXPECT_THAT(made.reply->error.message(), HasSubstr("limits."));
}

// --- The connection's end --------------------------------------------------------------------

TEST_P(TransportOutcomes, ABrokenConnectionMakesWhatWasSentUnknownAndLeavesTheRestNotSent) {
  open();
  ConformanceCall& sent = call("a");
  next();
  clog();
  ConformanceCall& waiting = call("waiting");
  peer->cut();
  expect_outcome(sent, Outcome::kUnknown, true);
  expect_outcome(waiting, Outcome::kNotSent, false);
  EXPECT_FALSE(has_arrived("waiting"));
}

TEST_P(TransportOutcomes, AfterABreakNothingIsSentAndTheObserverKnowsWhetherItIsOver) {
  open();
  ConformanceCall& made = call("a");
  next();
  peer->cut();
  expect_outcome(made, Outcome::kUnknown, true);
  expect_outcome(call("b"), Outcome::kNotSent, false);
  peer->settle();
  EXPECT_THAT(closed_with, SizeIs(transport().is_open() ? 0 : 1));
}

TEST_P(TransportOutcomes, CloseEndsWhatIsInFlight) {
  open();
  ConformanceCall& sent = call("a");
  next();
  clog();
  ConformanceCall& waiting = call("waiting");
  close();
  expect_outcome(sent, Outcome::kUnknown, true);
  expect_outcome(waiting, Outcome::kNotSent, false);
  EXPECT_EQ(sent.reply->error.code, ErrorCode::kShuttingDown);
  expect_outcome(call("b"), Outcome::kNotSent, false);
  EXPECT_THAT(closed_with, IsEmpty()) << "whoever closes it knows";
}

TEST_P(TransportOutcomes, CloseMayBeCalledAgainAndAfterABreak) {
  open();
  peer->cut();
  peer->settle();
  close();
  close();
  EXPECT_FALSE(transport().is_open());
}

TEST_P(TransportOutcomes, CloseDuringTheHandshakeEndsTheOpening) {
  start_open();
  next();
  close();
  until([this] { return opened.has_value(); });
  EXPECT_FALSE(opened->has_value());
  EXPECT_FALSE(transport().is_open());
}

TEST_P(TransportOutcomes, CloseOfWhatWasNeverOpenedDoesNothing) {
  close();
  EXPECT_THAT(rest(), IsEmpty());
}

}  // namespace
}  // namespace mcpwire::io
