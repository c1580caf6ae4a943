// SPDX-License-Identifier: MIT
//
// Both real ends of a connection whose rings are given back when it idles: calls go on as if
// nothing had been, each exactly once.
#include "client/connection.hpp"

#include "tests/client/demo_calls.hpp"
#include "tests/client/scripted_daemon.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::client {
namespace {

using protocol::Outcome;
using test_support::ScriptedDaemon;
using test_support::TemporaryRuntimeDirectory;

class IdleRingsTest : public ::testing::Test {
 protected:
  void start_daemon(std::uint64_t ring_idle_ns) {
    io::ChannelHostOptions options;
    options.ring_idle_ns = ring_idle_ns;
    daemon_.emplace(directory_.path(), std::move(options));
  }
  Connection connect() { return connect_with(options_for(directory_.path())); }
  static void expect_echo(Connection& connection, const std::string& arguments) {
    const CallReply reply = connection.call_tool(demo_call("echo", arguments));
    EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
    EXPECT_EQ(reply.body, arguments);
  }

  TemporaryRuntimeDirectory directory_;
  std::optional<ScriptedDaemon> daemon_;
};

TEST_F(IdleRingsTest, AnIdleConnectionGivesThemBackAndGetsNewOnes) {
  start_daemon(kNanosecondsPerMillisecond);
  Connection connection = connect();
  for (int round = 1; round <= 5; ++round) {
    expect_echo(connection, "\"" + std::to_string(round) + "\"");
    EXPECT_EQ(daemon_->calls(), round);
    daemon_->await_rings(0);
  }
  EXPECT_EQ(daemon_->connections(), 1);
  EXPECT_EQ(connection.reconnects(), 0U);
  EXPECT_NE(connection.agreement().ring_bytes, 0U);
}

TEST_F(IdleRingsTest, ALargeArgumentIsTheFirstToFindThemGone) {
  start_daemon(kNanosecondsPerMillisecond);
  Connection connection = connect();
  daemon_->await_rings(0);
  expect_echo(connection, "\"" + std::string(300'000, 'x') + "\"");
  daemon_->await_rings(0);
  expect_echo(connection, "\"" + std::string(300'000, 'y') + "\"");
  EXPECT_EQ(daemon_->calls(), 2);
}

TEST_F(IdleRingsTest, ALargeReplyOutlivesTheRingsThatBroughtIt) {
  start_daemon(kNanosecondsPerMillisecond);
  Connection connection = connect();
  std::vector<CallReply> kept;
  for (const char letter : {'a', 'b', 'c'}) {
    kept.push_back(
        connection.call_tool(demo_call("echo", "\"" + std::string(100'000, letter) + "\"")));
    EXPECT_TRUE(kept.back().body.is_mapped());
    daemon_->await_rings(0);
  }
  EXPECT_EQ(kept[0].body, "\"" + std::string(100'000, 'a') + "\"");
  kept.erase(kept.begin());  // Its slab went with the rings: nothing is to be given back.
  expect_echo(connection, "\"" + std::string(100'000, 'd') + "\"");
  EXPECT_EQ(kept[0].body, "\"" + std::string(100'000, 'b') + "\"");
  EXPECT_EQ(kept[1].body, "\"" + std::string(100'000, 'c') + "\"");
  EXPECT_EQ(daemon_->connections(), 1);
}

TEST_F(IdleRingsTest, ACallUnderWayKeepsThem) {
  start_daemon(kNanosecondsPerMillisecond);
  Connection busy = connect();
  const auto call = busy.start_call(demo_call("late answer"));
  ASSERT_TRUE(call.has_value());
  daemon_->await_calls(1);
  Connection idle = connect();  // Younger: its rings would go later.
  daemon_->await_rings(1);
  expect_echo(idle, "\"other\"");
  daemon_->await_rings(1);
  expect_echo(busy, "\"second\"");  // Answers the first as well.
  const auto reply = busy.wait(*call);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body, "\"late\"");
  daemon_->await_rings(0);
}

/// The race that matters: calls that come at any moment around that in which the rings go. Each
/// must be made once. The patience is of the length of a call, so it often runs out in one.
TEST_F(IdleRingsTest, CallsAtTheMomentInWhichTheyGoAreMadeOnce) {
  constexpr int kRounds = 150;
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  start_daemon(20 * kNanosecondsPerMicrosecond);
  Connection connection = connect();
  for (int round = 1; round <= kRounds; ++round) {
    for (volatile std::uint64_t left = random() % 40'000; left != 0; left = left - 1) {
    }
    expect_echo(connection, std::to_string(round));
    ASSERT_EQ(daemon_->calls(), round);
  }
  EXPECT_EQ(daemon_->connections(), 1);
  EXPECT_EQ(connection.reconnects(), 0U);
}

}  // namespace
}  // namespace mcpwire::client
