// SPDX-License-Identifier: MIT
#include "client/connection.hpp"

#include "tests/client/demo_calls.hpp"
#include "tests/client/scripted_daemon.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::client {
namespace {

using protocol::Outcome;
using test_support::ScriptedDaemon;
using test_support::TemporaryRuntimeDirectory;

/// Every case over the rings and over the socket alone.
class ConnectionTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  ConnectOptions options() const {
    ConnectOptions options = options_for(directory_.path());
    options.client_name = "connection_test";
    options.ring_bytes = GetParam();
    return options;
  }

  Connection connect() { return connect(options()); }
  Connection connect(const ConnectOptions& options) { return connect_with(options); }

  static CallRequest request_with_past_deadline(std::string_view tool) {
    CallRequest late = demo_call(tool);
    late.deadline_ns = monotonic_now_ns() + 20 * kNanosecondsPerMillisecond;
    return late;
  }

  TemporaryRuntimeDirectory directory_;
  std::optional<ScriptedDaemon> daemon_{std::in_place, directory_.path()};
};

TEST_P(ConnectionTest, AgreesOnWhatWasAskedFor) {
  const Connection connection = connect();
  EXPECT_EQ(connection.agreement().ring_bytes, GetParam());
  EXPECT_EQ(connection.agreement().daemon_instance, 99U);
  EXPECT_EQ(connection.agreement().daemon_version, "scripted");
}

TEST_P(ConnectionTest, ReadsEveryAnswerTheDaemonGives) {
  Connection connection = connect();
  ASSERT_TRUE(connection.ping().has_value());
  const auto servers = connection.list_servers();
  ASSERT_TRUE(servers.has_value());
  ASSERT_EQ(servers->size(), 2U);
  EXPECT_EQ(servers->at(1).name, "two");
  EXPECT_EQ(servers->at(1).state, protocol::ServerState::kFailed);
  const auto tools = connection.list_tools("");
  ASSERT_TRUE(tools.has_value());
  ASSERT_EQ(tools->successes.size(), 1U);
  EXPECT_EQ(tools->successes[0].tools_json, "[{\"name\":\"echo\"}]");
  ASSERT_EQ(tools->failures.size(), 1U);
  EXPECT_EQ(tools->failures[0].error.code, ErrorCode::kServerExited);
  EXPECT_EQ(tools->failures[0].error.message(), "it is broken");
  const auto status = connection.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->process_id, 4711);
  EXPECT_TRUE(connection.shutdown().has_value());
}

TEST_P(ConnectionTest, CallsEndInTheOutcomeTheDaemonSays) {
  Connection connection = connect();
  const CallReply ok = connection.call_tool(demo_call("echo", R"({"a":1})"));
  EXPECT_EQ(ok.outcome, Outcome::kOk);
  EXPECT_EQ(ok.body, R"({"a":1})");
  const CallReply peer_error = connection.call_tool(demo_call("peer error", R"({"code":-1})"));
  EXPECT_EQ(peer_error.outcome, Outcome::kPeerError);
  EXPECT_EQ(peer_error.body, R"({"code":-1})");
  const CallReply rejected = connection.call_tool(demo_call("rejected"));
  EXPECT_EQ(rejected.outcome, Outcome::kRejected);
  EXPECT_EQ(rejected.error.kind, ErrorKind::kNotFound);
  EXPECT_EQ(rejected.error.message(), "no tool");
}

TEST_P(ConnectionTest, PingsInFlightAreAnsweredEachForItself) {
  Connection connection = connect();
  std::vector<std::uint64_t> started;
  for (int i = 0; i < 3; ++i) started.push_back(connection.start_ping().value());
  for (auto last = started.rbegin(); last != started.rend(); ++last) {
    const auto reply = connection.wait(*last);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->outcome, Outcome::kOk);
    EXPECT_FALSE(connection.wait(*last).has_value()) << "it was taken";
  }
}

TEST_P(ConnectionTest, LargePayloadsArriveWholeInBothDirections) {
  Connection connection = connect();
  for (const std::size_t bytes :
       {0U, 1U, 16'000U, 16'352U, 16'353U, 65'504U, 65'505U, 3'000'000U}) {
    std::string arguments(bytes, 'a');
    for (std::size_t at = 0; at < bytes; at += 100)
      arguments[at] = static_cast<char>('b' + at % 20);
    const CallReply echoed = connection.call_tool(demo_call("echo", arguments));
    ASSERT_EQ(echoed.outcome, Outcome::kOk) << bytes << ": " << echoed.error.message();
    EXPECT_TRUE(echoed.body == arguments) << bytes;
  }
}

TEST_P(ConnectionTest, ManyCallsInFlightAreToldApart) {
  Connection connection = connect();
  std::vector<std::uint64_t> started;
  for (int i = 0; i < 200; ++i) {
    const auto correlation = connection.start_call(demo_call("echo", std::to_string(i)));
    ASSERT_TRUE(correlation.has_value());
    started.push_back(*correlation);
  }
  for (std::size_t i = started.size(); i-- > 0;) {
    const auto reply = connection.wait(started[i]);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->body, std::to_string(i));
  }
  EXPECT_FALSE(connection.wait(started[0]).has_value());
}

TEST_P(ConnectionTest, RefusesMoreCallsThanTheWindowHolds) {
  Connection connection = connect();
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < protocol::kCallWindow; ++i) {
    const auto correlation = connection.start_call(demo_call("wait"));
    ASSERT_TRUE(correlation.has_value());
    last = *correlation;
  }
  const auto over = connection.start_call(demo_call("echo"));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::kQueueFull);
  connection.cancel(last);
  EXPECT_EQ(connection.wait(last)->outcome, Outcome::kCancelled);
  EXPECT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
}

TEST_P(ConnectionTest, ProgressIsHandedOverBeforeTheReply) {
  Connection connection = connect();
  std::string seen;
  connection.on_progress([&](std::uint64_t, std::string_view params) { seen = params; });
  EXPECT_EQ(connection.call_tool(demo_call("progress", R"({"progress":1})")).outcome, Outcome::kOk);
  EXPECT_EQ(seen, R"({"progress":1})");
}

TEST_P(ConnectionTest, CancelSaysWhetherTheCallWasSent) {
  Connection connection = connect();
  const auto unsent = connection.start_call(demo_call("wait"));
  const auto sent = connection.start_call(demo_call("send and wait"));
  connection.cancel(*unsent);
  connection.cancel(*sent);
  const auto unsent_reply = connection.wait(*unsent);
  ASSERT_EQ(unsent_reply->outcome, Outcome::kCancelled);
  EXPECT_FALSE(unsent_reply->may_have_been_sent);
  const auto sent_reply = connection.wait(*sent);
  ASSERT_EQ(sent_reply->outcome, Outcome::kCancelled);
  EXPECT_TRUE(sent_reply->may_have_been_sent);
}

TEST_P(ConnectionTest, AnInterruptionCancelsTheCall) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  ConnectOptions with_interrupt = options();
  with_interrupt.interrupt.fd = read_end.get();
  Connection connection = connect(with_interrupt);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  const CallReply reply = connection.call_tool(demo_call("send and wait"));
  EXPECT_EQ(reply.outcome, Outcome::kCancelled);
  EXPECT_TRUE(reply.may_have_been_sent);
  EXPECT_EQ(daemon_->cancels(), 1);
  EXPECT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
}

TEST_P(ConnectionTest, ASecondInterruptionLeavesAtOnce) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_DIRECT), 0);  // One read takes one of the two.
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  ConnectOptions with_interrupt = options();
  with_interrupt.interrupt.fd = read_end.get();
  Connection connection = connect(with_interrupt);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  EXPECT_EQ(connection.call_tool(demo_call("silent")).outcome, Outcome::kCancelled);
}

TEST_P(ConnectionTest, ASilentDaemonAtTheDeadlineMeansNotSentIfItNeverBegan) {
  Connection connection = connect();
  for (const char* tool : {"silent", "claim and stay silent"}) {
    const CallReply reply = connection.call_tool(request_with_past_deadline(tool));
    EXPECT_EQ(reply.outcome, Outcome::kNotSent) << tool;
    EXPECT_FALSE(reply.may_have_been_sent);
    EXPECT_EQ(reply.error.kind, ErrorKind::kTimeout);
  }
  EXPECT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
}

TEST_P(ConnectionTest, ASilentDaemonAtTheDeadlineMeansUnknownIfItBegan) {
  Connection connection = connect();
  const auto correlation =
      connection.start_call(request_with_past_deadline("send and stay silent"));
  daemon_->await_calls(1);
  const auto reply = connection.wait(*correlation);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->outcome, Outcome::kUnknown);
  EXPECT_TRUE(reply->may_have_been_sent);
  EXPECT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
}

TEST_P(ConnectionTest, AnAnswerAfterTheDeadlineIsDropped) {
  Connection connection = connect();
  EXPECT_EQ(connection.call_tool(request_with_past_deadline("late answer")).outcome,
            Outcome::kNotSent);
  // The next call makes the daemon answer the first one too.
  const CallReply reply = connection.call_tool(demo_call("echo", "2"));
  EXPECT_EQ(reply.outcome, Outcome::kOk);
  EXPECT_EQ(reply.body, "2");
}

TEST_P(ConnectionTest, ADaemonThatDiesBeforeSendingGetsTheCallAgain) {
  for (const char* tool : {"die once", "claim and die once"}) {
    daemon_.reset();
    daemon_.emplace(directory_.path());
    Connection connection = connect();
    const CallReply reply = connection.call_tool(demo_call(tool, "[7]"));
    EXPECT_EQ(reply.outcome, Outcome::kOk) << tool << ": " << reply.error.message();
    EXPECT_EQ(reply.body, "[7]");
    EXPECT_EQ(connection.reconnects(), 1U);
    EXPECT_EQ(daemon_->calls(), 2);
  }
}

TEST_P(ConnectionTest, ADaemonThatDiesWhileSendingLeavesItUnknownAndIsNotAskedAgain) {
  Connection connection = connect();
  const CallReply reply = connection.call_tool(demo_call("send and die"));
  EXPECT_EQ(reply.outcome, Outcome::kUnknown);
  EXPECT_TRUE(reply.may_have_been_sent);
  EXPECT_EQ(reply.error.kind, ErrorKind::kDisconnected);
  EXPECT_EQ(daemon_->calls(), 1);
}

TEST_P(ConnectionTest, ADaemonThatAlwaysDiesBeforeSendingEndsAsNotSent) {
  Connection connection = connect();
  const CallReply reply = connection.call_tool(demo_call("claim and die"));
  EXPECT_EQ(reply.outcome, Outcome::kNotSent);
  EXPECT_FALSE(reply.may_have_been_sent);
  EXPECT_EQ(daemon_->calls(), 4);
}

TEST_P(ConnectionTest, EachCallInFlightGetsItsOwnVerdictWhenTheDaemonDies) {
  Connection connection = connect();
  const auto unsent = connection.start_call(demo_call("claim and wait"));
  const auto sent = connection.start_call(demo_call("send and wait"));
  const auto killer = connection.start_call(demo_call("claim and die once", "1"));
  EXPECT_EQ(connection.wait(*sent)->outcome, Outcome::kUnknown);
  EXPECT_EQ(connection.wait(*killer)->outcome, Outcome::kOk);
  connection.cancel(*unsent);  // It was sent again to the next daemon, and waits there.
  EXPECT_EQ(connection.wait(*unsent)->outcome, Outcome::kCancelled);
  EXPECT_EQ(connection.reconnects(), 1U);
}

TEST_P(ConnectionTest, ADaemonThatIsRestartedBetweenTwoCallsIsNoticedByNobody) {
  Connection connection = connect();
  ASSERT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
  daemon_.reset();
  daemon_.emplace(directory_.path());
  EXPECT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
  EXPECT_TRUE(connection.ping().has_value());
  EXPECT_EQ(connection.reconnects(), 1U);
}

TEST_P(ConnectionTest, ACallThatAnEndingDaemonRefusesGoesToTheNextOne) {
  ConnectOptions may_start = options();
  may_start.auto_start = AutoStart::kYes;
  Connection connection = connect(may_start);
  const CallReply reply = connection.call_tool(demo_call("ending once", "[3]"));
  EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(reply.body, "[3]");
  EXPECT_EQ(connection.reconnects(), 1U);
}

TEST_P(ConnectionTest, ARefusalByAnEndingDaemonIsFinalWhereNoneMayBeStarted) {
  Connection connection = connect();
  const CallReply reply = connection.call_tool(demo_call("ending once"));
  EXPECT_EQ(reply.outcome, Outcome::kNotSent);
  EXPECT_EQ(reply.error.code, ErrorCode::kShuttingDown);
}

TEST_P(ConnectionTest, ConnectTriesAgainWhenTheDaemonEndsDuringTheHandshake) {
  daemon_->reset_connections(3);
  Connection connection = connect();
  EXPECT_EQ(connection.call_tool(demo_call("echo")).outcome, Outcome::kOk);
}

TEST_P(ConnectionTest, WithoutADaemonACallIsNotSentAndSaysWhy) {
  Connection connection = connect();
  daemon_.reset();
  const CallReply reply = connection.call_tool(demo_call("echo"));
  EXPECT_EQ(reply.outcome, Outcome::kNotSent);
  EXPECT_EQ(reply.error.code, ErrorCode::kDaemonUnreachable);
  const auto refused = Connection::connect(options());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kDaemonUnreachable);
}

TEST_P(ConnectionTest, WaitReturnsNothingWhenItsOwnDeadlineComesFirst) {
  Connection connection = connect();
  const auto correlation = connection.start_call(demo_call("wait"));
  EXPECT_FALSE(connection.wait(*correlation, monotonic_now_ns()).has_value());
  EXPECT_FALSE(connection.was_interrupted());
  connection.cancel(*correlation);
  EXPECT_EQ(connection.wait(*correlation)->outcome, Outcome::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Carriers, ConnectionTest, ::testing::Values(64U * 1024, 4U * 1024, 0U),
                         [](const auto& parameter) {
                           return parameter.param == 0 ? std::string("Socket")
                                                       : "Ring" + std::to_string(parameter.param);
                         });

}  // namespace
}  // namespace mcpwire::client
