// SPDX-License-Identifier: MIT
//
// How StdioTransport finds out in which era a server speaks: each outcome of the probe on fake
// processes and a virtual clock. The same with real processes: negotiation_process_test.cpp.
#include "tests/io/negotiation_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::mcp::Era;
using protocol::mcp::Revision;
using testing::HasSubstr;
using testing::StartsWith;

// --- What a probe finds ----------------------------------------------------------------------

TEST_F(NegotiationTest, AModernServerIsAskedOnceAndNeedsNoMore) {
  start();
  EXPECT_EQ(written(), kDiscoverLine);
  answer(1, kModernResult);
  expect_open(Revision::k2026_07_28);
  EXPECT_EQ(written(), "") << "there is no initialized in this era";
  EXPECT_EQ(transport->server_info().name, "new");
  EXPECT_EQ(transport->server_info().version, "9");
  EXPECT_EQ(transport->server_info().instructions, "be kind");
  EXPECT_EQ(transport->server_info().capabilities_json, R"({"tools":{}})");
  EXPECT_EQ(remembered(), Era::kModern);
}

TEST_F(NegotiationTest, ADraftsServerNamesItselfInTheBody) {
  start();
  answer(1, R"({"supportedVersions":["2026-07-28"],"capabilities":{},)"
            R"("serverInfo":{"name":"draft","version":"0"}})");
  expect_open(Revision::k2026_07_28);
  EXPECT_EQ(transport->server_info().name, "draft");
}

struct LegacyAnswer {
  const char* name;
  const char* body;  ///< Behind the id.
};

class LegacyAnswerTest : public NegotiationTest,
                         public testing::WithParamInterface<LegacyAnswer> {};

TEST_P(LegacyAnswerTest, LeadsToInitializeOnTheSamePipe) {
  start();
  written();
  feed(R"({"jsonrpc":"2.0","id":1,)" + std::string(GetParam().body) + "}");
  EXPECT_THAT(written(), StartsWith(R"({"jsonrpc":"2.0","id":2,"method":"initialize","params":{)"
                                    R"("protocolVersion":"2025-11-25")"));
  answer_initialize_as(2);
  expect_open(Revision::k2025_11_25);
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
                       "\n");
  EXPECT_EQ(remembered(), Era::kLegacy);
}

// Seen in servers of different SDKs, and some that none has been seen to send.
INSTANTIATE_TEST_SUITE_P(
    All, LegacyAnswerTest,
    testing::Values(
        LegacyAnswer{"MethodNotFound", R"("error":{"code":-32601,"message":"Method not found"})"},
        LegacyAnswer{"InvalidParams", R"("error":{"code":-32602,"message":"bad"})"},
        LegacyAnswer{"NotInitialized", R"("error":{"code":-32000,"message":"not initialized"})"},
        LegacyAnswer{"OldDraftMismatch", R"("error":{"code":-32001,"message":"x"})"},
        LegacyAnswer{"HeaderMismatch", R"("error":{"code":-32020,"message":"x"})"},
        LegacyAnswer{"MissingCapability",
                     R"("error":{"code":-32021,"message":"x","data":{"requiredCapabilities":{}}})"},
        LegacyAnswer{"ServerNotReady", R"("error":{"code":-32002,"message":"x"})"},
        LegacyAnswer{"OwnCode", R"("error":{"code":7,"message":"x"})"},
        LegacyAnswer{"NoCode", R"("error":{"message":"x"})"},
        LegacyAnswer{"VersionWithoutList", R"("error":{"code":-32022,"message":"x"})"},
        LegacyAnswer{"VersionWithBadList",
                     R"("error":{"code":-32022,"message":"x","data":{"supported":"2026-07-28"}})"},
        LegacyAnswer{"VersionWithMixedList",
                     R"("error":{"code":-32022,"message":"x","data":{"supported":[1]}})"},
        LegacyAnswer{
            "VersionListsLegacy",
            R"("error":{"code":-32022,"message":"x","data":{"supported":["2025-06-18","1999-01-01"]}})"},
        LegacyAnswer{"EmptyResult", R"("result":{})"}, LegacyAnswer{"ListResult", R"("result":[])"},
        LegacyAnswer{"NullResult", R"("result":null)"},
        LegacyAnswer{"ResultWithoutCapabilities",
                     R"("result":{"supportedVersions":["2026-07-28"]})"},
        LegacyAnswer{"ResultWithEmptyList",
                     R"("result":{"supportedVersions":[],"capabilities":{}})"},
        LegacyAnswer{
            "ResultOfAnotherType",
            R"("result":{"resultType":"task","supportedVersions":["2026-07-28"],"capabilities":{}})"},
        LegacyAnswer{"InitializeResult",
                     R"("result":{"protocolVersion":"2025-11-25","capabilities":{}})"}),
    [](const auto& info) { return info.param.name; });

TEST_F(NegotiationTest, AnAnswerThatNobodyCanReadLeadsToInitializeToo) {
  start();
  written();
  feed(R"({"jsonrpc":"2.0","id":1,"result":{"supportedVersions":}})");
  EXPECT_THAT(written(), HasSubstr(R"("id":2,"method":"initialize")"));
  answer_initialize_as(2);
  expect_open(Revision::k2025_11_25);
}

TEST_F(NegotiationTest, AnUnsupportedVersionThatListsOursIsAskedAgainInIt) {
  start();
  written();
  answer_error(1, -32022,
               R"("message":"x","data":{"supported":["2026-07-28","2025-11-25"],"requested":"y"})");
  EXPECT_THAT(written(), HasSubstr(R"("id":2,"method":"server/discover")"));
  answer(2, kModernResult);
  expect_open(Revision::k2026_07_28);
}

TEST_F(NegotiationTest, AServerThatRefusesTheVersionItAskedForIsNotBegunInTheOtherEra) {
  start();
  answer_error(1, -32022, R"("message":"x","data":{"supported":["2026-07-28"]})");
  answer_error(2, -32022, R"("message":"x","data":{"supported":["2026-07-28"]})");
  expect_failure("2026-07-28");
  EXPECT_EQ(spawner.spawned(), 1U);
}

TEST_F(NegotiationTest, RevisionsThatNobodyHereSpeaksAreNamed) {
  start();
  answer_error(1, -32022, R"("message":"x","data":{"supported":["2031-01-01","2032-01-01"]})");
  expect_failure("the server speaks MCP revision 2031-01-01, 2032-01-01, which mcpwire does not");
  EXPECT_EQ(opened->error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(remembered(), std::nullopt);
}

TEST_F(NegotiationTest, ADiscoveryThatListsOnlyUnknownRevisionsIsNamedToo) {
  start();
  answer(1, R"({"supportedVersions":["2031-01-01"],"capabilities":{}})");
  expect_failure("2031-01-01");
}

TEST_F(NegotiationTest, GarbageInAnswerToTheProbeIsJunkAndTheSilenceBehindItCounts) {
  start();
  feed("Unknown command: server/discover");
  feed(R"({"error":"bad request"})");
  EXPECT_FALSE(opened.has_value());
  EXPECT_EQ(transport->counters().junk_lines, 2U);
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns);
  process = 1;
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
}

// --- Servers that do not answer --------------------------------------------------------------

TEST_F(NegotiationTest, AServerThatExitsOnTheProbeIsStartedAgainAndInitialized) {
  start();
  child().error_output.feed("connection closed: initialize request\n");
  child().die({false, 1});
  loop.run_until_idle();
  ASSERT_EQ(spawner.spawned(), 2U);
  EXPECT_TRUE(spawner.child(0).is_destroyed);
  process = 1;
  EXPECT_EQ(written(), kInitializeLine);
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
  EXPECT_EQ(transport->process_id(), spawner.child(1).process_id);
  EXPECT_EQ(remembered(), Era::kLegacy);
  EXPECT_TRUE(closed_with.empty());
}

TEST_F(NegotiationTest, AServerThatOnlyClosesItsOutputIsKilledAndStartedAgain) {
  start();
  child().output.feed_end();
  loop.advance_ns(StdioTransportOptions{}.drain_ns);
  ASSERT_EQ(spawner.spawned(), 2U);
  EXPECT_TRUE(spawner.child(0).has_exited());
  process = 1;
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
}

TEST_F(NegotiationTest, AServerThatIsSilentOnTheProbeIsNotTrustedWithASecondQuestion) {
  start();
  written();
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns - 1);
  EXPECT_EQ(spawner.spawned(), 1U);
  loop.advance_ns(1);
  ASSERT_EQ(spawner.spawned(), 2U);
  EXPECT_EQ(written(), "") << "the probe is not cancelled and nothing follows it";
  EXPECT_TRUE(spawner.child(0).has_exited());
  process = 1;
  EXPECT_EQ(written(), kInitializeLine);
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
  EXPECT_EQ(remembered(), Era::kLegacy);
}

// As a first start through a package runner does that downloads.
TEST_F(NegotiationTest, AServerThatHasYetToReadTheProbeIsNotSilent) {
  start({}, loop.now_ns() + 60 * kNanosecondsPerSecond);
  child().input.leave_unread(true);
  loop.advance_ns(40 * kNanosecondsPerSecond);
  EXPECT_EQ(spawner.spawned(), 1U);
  EXPECT_FALSE(child().has_exited());
  answer_error(1, -32601);
  answer_initialize_as(2);
  expect_open(Revision::k2025_11_25, 1);
  EXPECT_EQ(remembered(), Era::kLegacy);
}

TEST_F(NegotiationTest, SilenceCountsFromWhenTheProbeWasRead) {
  start();
  child().input.leave_unread(true);
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns);
  EXPECT_EQ(spawner.spawned(), 1U);
  child().input.leave_unread(false);
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns - 1);
  EXPECT_EQ(spawner.spawned(), 1U);
  loop.advance_ns(1);
  EXPECT_EQ(spawner.spawned(), 2U);
  process = 1;
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
}

TEST_F(NegotiationTest, AServerThatNeverReadsTheProbeEndsAtTheDeadline) {
  start({}, loop.now_ns() + 60 * kNanosecondsPerSecond);
  child().input.leave_unread(true);
  loop.advance_ns(60 * kNanosecondsPerSecond - 1);
  EXPECT_FALSE(opened.has_value());
  loop.advance_ns(1);
  EXPECT_EQ(spawner.spawned(), 1U);
  expect_failure("did not answer server/discover in time");
  EXPECT_EQ(remembered(), std::nullopt);
}

TEST_F(NegotiationTest, ASlowServerIsNotTakenForASilentOne) {
  start();
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns);
  process = 1;
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns);
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
  EXPECT_EQ(remembered(), std::nullopt);
}

TEST_F(NegotiationTest, ASlowModernServerIsProbedAgainWhenItRefusesInitialize) {
  start();
  loop.advance_ns(NegotiationOptions{}.probe_timeout_ns);
  process = 1;
  answer_error(1, -32601);
  EXPECT_FALSE(opened.has_value());
  loop.advance_ns(2 * NegotiationOptions{}.probe_timeout_ns);
  answer(2, kModernResult);
  expect_open(Revision::k2026_07_28, 2);
  EXPECT_EQ(remembered(), Era::kModern);
}

TEST_F(NegotiationTest, AServerThatAnswersTheProbeAndExitsIsStartedAgain) {
  start();
  answer_error(1, -32601);
  child().die({false, 1});
  loop.run_until_idle();
  process = 1;
  EXPECT_EQ(written(), kInitializeLine);
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
  EXPECT_EQ(remembered(), Era::kLegacy);
}

TEST_F(NegotiationTest, AServerThatRefusesInitializeAfterAProbeIsStartedAgain) {
  start();
  answer_error(1, -32000);
  answer_error(2, -32000, R"("message":"expected initialize first")");
  process = 1;
  answer_initialize_as(1);
  expect_open(Revision::k2025_11_25, 2);
}

TEST_F(NegotiationTest, AServerThatRefusesInitializeTwiceIsNotStartedAThirdTime) {
  start();
  answer_error(1, -32601);
  answer_error(2, -32603);
  process = 1;
  answer_error(1, -32603, R"("message":"no licence")");
  expect_failure("the server refused initialize: no licence (code -32603)");
  EXPECT_EQ(spawner.spawned(), 2U);
}

TEST_F(NegotiationTest, AnUnknownLegacyRevisionIsNotAskedForTwice) {
  start();
  answer_error(1, -32601);
  answer_initialize_as(2, "1999-01-01");
  expect_failure("1999-01-01");
  EXPECT_EQ(spawner.spawned(), 1U);
}

TEST_F(NegotiationTest, AServerThatExitsWhateverIsSaidIsStartedTwiceAndNoMore) {
  start();
  child().die({false, 1});
  loop.run_until_idle();
  process = 1;
  child().error_output.feed("no licence\n");
  child().die({false, 4});
  loop.run_until_idle();
  expect_failure("exited with code 4; its last words: no licence");
  EXPECT_EQ(spawner.spawned(), 2U);
  EXPECT_EQ(remembered(), std::nullopt);
}

TEST_F(NegotiationTest, AServerThatCannotBeStartedAgainFailsTheOpen) {
  start();
  spawner.fail_next(Error::of(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound));
  child().die({false, 1});
  loop.run_until_idle();
  ASSERT_TRUE(opened.has_value());
  ASSERT_FALSE(opened->has_value());
  EXPECT_EQ(opened->error().code, ErrorCode::kCommandNotFound);
}

TEST_F(NegotiationTest, AServerThatBreaksTheProtocolIsNotStartedAgain) {
  probes = true;
  StdioTransportOptions options;
  options.limits.junk_lines_max = 2;
  create(std::move(options));
  start_open();
  for (int i = 0; i < 3; ++i) feed("junk");
  expect_failure("not JSON-RPC");
  EXPECT_EQ(spawner.spawned(), 1U);
}

}  // namespace
}  // namespace mcpwire::io
