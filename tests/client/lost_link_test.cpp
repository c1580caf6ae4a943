// SPDX-License-Identifier: MIT
//
// What becomes of calls when the client gives the link up, or could but must not, while the daemon
// at its other end lives.
#include "client/connection.hpp"
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

class LostLinkTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  LostLinkTest() {
    options_.runtime_directory = directory_.path();
    options_.ring_bytes = GetParam();
    options_.auto_start = AutoStart::kNo;
    options_.deadline_grace_ns = 0;
  }

  Connection connect() {
    auto connection = Connection::connect(options_);
    if (!connection) ADD_FAILURE() << connection.error().message();
    return std::move(connection).value();
  }
  static std::uint64_t soon() { return monotonic_now_ns() + 20 * kNanosecondsPerMillisecond; }

  TemporaryRuntimeDirectory directory_;
  ScriptedDaemon daemon_{directory_.path()};
  ConnectOptions options_;
};

TEST_P(LostLinkTest, ACallThatIsSaidNotToBeSentIsNotBegunByADaemonThatLives) {
  options_.connect_timeout_ns = kNanosecondsPerSecond;  // It stands still: no second handshake.
  Connection connection = connect();
  const auto held = connection.start_call({.server = "demo", .tool = "claim and hold"});
  ASSERT_TRUE(held.has_value());
  ASSERT_TRUE(connection.start_call({.server = "demo", .tool = "break the protocol"}).has_value());
  const auto reply = connection.wait(*held);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->outcome, Outcome::kNotSent);
  daemon_.thaw();
  ASSERT_TRUE(connection.ping().has_value());  // Answered when it has done with the held call.
  EXPECT_EQ(daemon_.begun(), 0);
}

TEST_P(LostLinkTest, AnInterruptSourceThatHangsUpIsNotTheDaemonsEnd) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd source(ends[0]);
  UniqueFd other_end(ends[1]);
  options_.interrupt.fd = source.get();
  Connection connection = connect();
  const auto correlation = connection.start_call({.server = "demo", .tool = "send and wait"});
  ASSERT_TRUE(correlation.has_value());
  other_end.reset();
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(connection.wait(*correlation, soon()).has_value());
    EXPECT_FALSE(connection.was_interrupted());
  }
  connection.cancel(*correlation);
  EXPECT_EQ(connection.wait(*correlation)->outcome, Outcome::kCancelled);
  EXPECT_EQ(connection.reconnects(), 0U);
}

TEST_P(LostLinkTest, AnInterruptSourceThatIsClosedWhileAnotherProcessHoldsItIsForgotten) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd source(ends[0]);
  const UniqueFd held_elsewhere(::fcntl(source.get(), F_DUPFD_CLOEXEC, 0));
  const UniqueFd other_end(ends[1]);
  options_.interrupt.fd = source.get();
  Connection connection = connect();
  const auto correlation = connection.start_call({.server = "demo", .tool = "send and wait"});
  source.reset();
  ASSERT_EQ(::write(other_end.get(), "x", 1), 1);
  EXPECT_FALSE(connection.wait(*correlation, soon()).has_value());
  connection.cancel(*correlation);
  EXPECT_EQ(connection.wait(*correlation)->outcome, Outcome::kCancelled);
  EXPECT_EQ(connection.reconnects(), 0U);
}

TEST_P(LostLinkTest, TwoConnectionsMayShareOneInterruptSource) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd source(ends[0]);
  const UniqueFd other_end(ends[1]);
  options_.interrupt.fd = source.get();
  Connection first = connect();
  Connection second = connect();
  ASSERT_EQ(::write(other_end.get(), "x", 1), 1);
  EXPECT_EQ(first.call_tool({.server = "demo", .tool = "send and wait"}).outcome,
            Outcome::kCancelled);
  EXPECT_EQ(second.call_tool({.server = "demo", .tool = "echo"}).outcome, Outcome::kOk);
  EXPECT_EQ(second.reconnects(), 0U);
}

TEST_P(LostLinkTest, ADaemonThatAnswersPingsIsWaitedForHoweverSlowTheServer) {
  options_.silence_ns_max = kNanosecondsPerMillisecond;
  Connection connection = connect();
  const auto correlation = connection.start_call({.server = "demo", .tool = "send and wait"});
  while (daemon_.pings() < 3) {
    EXPECT_FALSE(connection.wait(*correlation, soon()).has_value());
  }
  connection.cancel(*correlation);
  EXPECT_EQ(connection.wait(*correlation)->outcome, Outcome::kCancelled);
  EXPECT_EQ(connection.reconnects(), 0U);
}

TEST_P(LostLinkTest, LargeCallsThatFoundNoRoomLeaveNothingWithTheDaemon) {
  Connection connection = connect();
  ASSERT_TRUE(connection.start_call({.server = "demo", .tool = "freeze"}).has_value());
  daemon_.await_freeze();
  const auto start = [&](const std::string& arguments) {
    return connection.start_call({.server = "demo",
                                  .tool = "echo",
                                  .arguments_json = arguments,
                                  .deadline_ns = monotonic_now_ns()});
  };
  int started = 0;
  while (start(std::string(2000, 'x')).has_value()) ++started;
  ASSERT_GT(started, 0);
  const std::string large(100'000, 'x');
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(start(large).has_value());
  daemon_.thaw();
  const CallReply reply =
      connection.call_tool({.server = "demo", .tool = "echo", .arguments_json = large});
  EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(reply.body.size(), large.size());
  EXPECT_EQ(connection.reconnects(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Carriers, LostLinkTest, ::testing::Values(64U * 1024, 4U * 1024, 0U),
                         [](const auto& parameter) {
                           return parameter.param == 0 ? std::string("Socket")
                                                       : "Ring" + std::to_string(parameter.param);
                         });

}  // namespace
}  // namespace mcpwire::client
