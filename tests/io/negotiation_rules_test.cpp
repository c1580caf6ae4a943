// SPDX-License-Identifier: MIT
//
// The rules around a negotiation: the time it may take, what of it is remembered, and what a
// configuration pins. What a probe finds: negotiation_test.cpp.
#include "tests/io/negotiation_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::mcp::Era;
using protocol::mcp::Revision;
using testing::HasSubstr;

// --- Time ------------------------------------------------------------------------------------

TEST_F(NegotiationTest, TheDeadlineOfTheOpenCoversBothProcesses) {
  const std::uint64_t whole_ns = 2 * kNanosecondsPerSecond;
  start({}, loop.now_ns() + whole_ns);
  loop.advance_ns(whole_ns / 2);
  ASSERT_EQ(spawner.spawned(), 2U) << "a probe may take half of it";
  loop.advance_ns(whole_ns / 2);
  expect_failure("did not answer initialize in time");
  EXPECT_EQ(opened->error().kind, ErrorKind::kTimeout);
}

TEST_F(NegotiationTest, AServerThatNeedsMoreThanHalfOfItsTimeGetsAllOfItTheNextTime) {
  start({}, loop.now_ns() + kNanosecondsPerSecond);
  loop.advance_ns(kNanosecondsPerSecond);
  expect_failure("initialize");
  EXPECT_EQ(remembered(), Era::kLegacy);
}

TEST_F(NegotiationTest, ACallerWhoGivesUpDuringTheProbeEndsTheOpen) {
  start();
  open_scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kCancelledByCaller);
  EXPECT_EQ(spawner.spawned(), 1U);
  EXPECT_TRUE(child().has_exited());
}

TEST_F(NegotiationTest, ACloseDuringTheProbeStartsNoOtherProcess) {
  start();
  const auto close = [](StdioTransport* closing) -> task<Result<void>> {
    co_await closing->close();
    co_return Result<void>{};
  };
  scope.spawn(close(transport.get()));
  loop.advance_ns(60 * kNanosecondsPerSecond);
  ASSERT_TRUE(opened.has_value());
  EXPECT_FALSE(opened->has_value());
  EXPECT_EQ(spawner.spawned(), 1U);
}

TEST_F(NegotiationTest, ACloseWhileTheSilentProcessIsEndedStartsNoOther) {
  start();
  child().exits_on_terminate = false;
  const auto close = [](StdioTransport* closing) -> task<Result<void>> {
    co_await closing->close();
    co_return Result<void>{};
  };
  // The timer fires, the process is killed, and before its exit is known the close comes.
  loop.advance_to_next_timer();
  scope.spawn(close(transport.get()));
  loop.advance_ns(60 * kNanosecondsPerSecond);
  EXPECT_EQ(scope.running(), 0U);
}

// --- What is remembered ----------------------------------------------------------------------

TEST_F(NegotiationTest, ARememberedLegacyServerIsInitializedAtOnce) {
  verdicts.verdicts["server"] = {.era = Era::kLegacy};
  start();
  EXPECT_EQ(written(), kInitializeLine);
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25);
  EXPECT_EQ(verdicts.keeps, 0) << "a verdict does not become younger by being used";
}

TEST_F(NegotiationTest, ALegacyVerdictThatIsRefusedIsForgottenAndProbed) {
  verdicts.verdicts["server"] = {.era = Era::kLegacy};
  start();
  written();
  answer_error(1, -32601);
  EXPECT_THAT(written(), HasSubstr(R"("id":2,"method":"server/discover")"));
  answer(2, kModernResult);
  expect_open(Revision::k2026_07_28);
  EXPECT_EQ(remembered(), Era::kModern);
}

TEST_F(NegotiationTest, ALegacyVerdictOnWhichTheServerExitsIsProbedInAFreshProcess) {
  verdicts.verdicts["server"] = {.era = Era::kLegacy};
  start();
  child().die({false, 1});
  loop.run_until_idle();
  process = 1;
  answer(1, kModernResult);
  expect_open(Revision::k2026_07_28, 2);
}

TEST_F(NegotiationTest, ALegacyVerdictOfABrokenServerLeadsToTheErrorOfInitialize) {
  verdicts.verdicts["server"] = {.era = Era::kLegacy};
  start();
  answer_error(1, -32603, R"("message":"no licence")");
  answer_error(2, -32601);
  expect_failure("the server refused initialize: no licence (code -32603)");
  EXPECT_EQ(remembered(), std::nullopt);
}

TEST_F(NegotiationTest, AModernVerdictHasPatienceWithASlowStart) {
  verdicts.verdicts["server"] = {.era = Era::kModern};
  start({}, loop.now_ns() + 60 * kNanosecondsPerSecond);
  loop.advance_ns(29 * kNanosecondsPerSecond);
  answer(1, kModernResult);
  expect_open(Revision::k2026_07_28);
}

TEST_F(NegotiationTest, AModernVerdictThatIsWrongIsReplaced) {
  verdicts.verdicts["server"] = {.era = Era::kModern};
  start();
  answer_error(1, -32601);
  answer_initialize_as(2);
  expect_open(Revision::k2025_11_25);
  EXPECT_EQ(remembered(), Era::kLegacy);
}

// --- What the configuration pins -------------------------------------------------------------

TEST_F(NegotiationTest, APinnedLegacyEraIsNotProbed) {
  verdicts.verdicts["server"] = {.era = Era::kModern};
  start({.pinned_era = Era::kLegacy});
  EXPECT_EQ(written(), kInitializeLine);
  answer_initialize_as(1, "2024-11-05");
  expect_open(Revision::k2024_11_05);
}

TEST_F(NegotiationTest, APinnedModernEraNeverFallsBack) {
  start({.pinned_era = Era::kModern}, loop.now_ns() + 60 * kNanosecondsPerSecond);
  loop.advance_ns(50 * kNanosecondsPerSecond);
  EXPECT_FALSE(opened.has_value()) << "it has all the time there is";
  answer_error(1, -32601, R"("message":"Method not found")");
  expect_failure("the server refused server/discover: Method not found (code -32601)");
  EXPECT_EQ(spawner.spawned(), 1U);
}

TEST_F(NegotiationTest, APinnedModernServerThatIsSilentEndsAtTheDeadline) {
  start({.pinned_era = Era::kModern}, loop.now_ns() + kNanosecondsPerSecond);
  loop.advance_ns(kNanosecondsPerSecond);
  expect_failure("did not answer server/discover in time");
  EXPECT_EQ(spawner.spawned(), 1U);
}

TEST_F(NegotiationTest, APinnedRevisionIsOfferedAndNoOtherIsTaken) {
  start({.pinned_revision = Revision::k2025_06_18});
  EXPECT_THAT(written(), HasSubstr(R"("protocolVersion":"2025-06-18","capabilities":{)"
                                   R"("elicitation":{},"roots":{},"sampling":{}})"));
  answer_initialize_as(1, "2025-03-26");
  expect_failure("the server speaks MCP revision 2025-03-26; its configuration wants 2025-06-18");
}

TEST_F(NegotiationTest, APinnedRevisionThatTheServerHasIsUsed) {
  start({.pinned_revision = Revision::k2025_06_18});
  answer_initialize_as(1, "2025-06-18");
  expect_open(Revision::k2025_06_18);
}

TEST_F(NegotiationTest, APinnedModernRevisionIsProbedOnly) {
  start({.pinned_revision = Revision::k2026_07_28});
  EXPECT_EQ(written(), kDiscoverLine);
  child().die({false, 1});
  loop.run_until_idle();
  expect_failure("exited with code 1");
  EXPECT_EQ(spawner.spawned(), 1U);
}

}  // namespace
}  // namespace mcpwire::io
