// SPDX-License-Identifier: MIT
//
// What a client says about its calls when the daemon, a process of its own, is killed or stopped.
#include "tests/client/daemon_fixture.hpp"

#include <signal.h>

#include <optional>
#include <string_view>
#include <utility>

namespace mcpwire::client {
namespace {

using protocol::Outcome;

class DaemonDeathTest : public DaemonFixture, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    options_.ring_bytes = GetParam();
    options_.deadline_grace_ns = 0;
    auto connection = Connection::connect(options_);
    ASSERT_TRUE(connection.has_value()) << connection.error().message();
    connection_.emplace(std::move(*connection));
    ASSERT_GT(connection_->agreement().daemon_pid, 0);
  }
  void TearDown() override {
    if (connection_) signal_daemon(SIGCONT);  // A stopped one would never end.
    connection_.reset();
    DaemonFixture::TearDown();
  }

  /// As after minutes of silence.
  void be_impatient() {
    options_.silence_ns_max = 10 * kNanosecondsPerMillisecond;
    options_.sign_of_life_ns_max = kNanosecondsPerSecond;
    connection_ = *Connection::connect(options_);
  }

  void signal_daemon(int signal) const { ::kill(connection_->agreement().daemon_pid, signal); }

  /// Returns once it really stands still. It is no child of ours.
  void stop_daemon() const {
    signal_daemon(SIGSTOP);
    const std::string path = "/proc/" + std::to_string(connection_->agreement().daemon_pid);
    const auto state = [&] {
      std::ifstream file(path + "/stat");
      // Not by stream iterators: they throw when the process has just gone.
      std::ostringstream text;
      text << file.rdbuf();
      const std::string stat = text.str();
      return stat.substr(stat.rfind(')'), 3);
    };
    while (state() != ") T") std::this_thread::yield();
  }

  /// Started and seen by the daemon.
  std::uint64_t start(std::string_view tool, std::uint64_t deadline_ns = 0) {
    const auto correlation =
        connection_->start_call({.server = "demo", .tool = tool, .deadline_ns = deadline_ns});
    EXPECT_TRUE(correlation.has_value());
    EXPECT_TRUE(connection_->ping().has_value());
    return *correlation;
  }

  static std::uint64_t soon() { return monotonic_now_ns() + 30 * kNanosecondsPerMillisecond; }

  std::optional<Connection> connection_;
};

TEST_P(DaemonDeathTest, AKilledDaemonLeavesASentCallUnknown) {
  const std::uint64_t correlation = start("send and stay silent");
  signal_daemon(SIGKILL);
  const auto reply = connection_->wait(correlation);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->outcome, Outcome::kUnknown);
  EXPECT_TRUE(reply->may_have_been_sent);
  EXPECT_EQ(connection_->reconnects(), 0U);
}

TEST_P(DaemonDeathTest, AKilledDaemonIsReplacedAndGetsTheCallsThatWereNotSent) {
  const std::uint64_t correlation = start("claim and wait");
  signal_daemon(SIGKILL);
  EXPECT_FALSE(connection_->wait(correlation, soon()).has_value());
  connection_->cancel(correlation);
  const auto reply = connection_->wait(correlation);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->outcome, Outcome::kCancelled);
  EXPECT_FALSE(reply->may_have_been_sent);
}

TEST_P(DaemonDeathTest, AnIdleConnectionDoesNotNoticeAKill) {
  signal_daemon(SIGKILL);
  const CallReply reply =
      connection_->call_tool({.server = "demo", .tool = "echo", .arguments_json = "[1]"});
  EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(reply.body, "[1]");
}

TEST_P(DaemonDeathTest, AStoppedDaemonMeansNotSentAtTheDeadlineIfItTookNothing) {
  stop_daemon();
  const CallReply reply =
      connection_->call_tool({.server = "demo", .tool = "send", .deadline_ns = soon()});
  EXPECT_EQ(reply.outcome, Outcome::kNotSent);
  EXPECT_EQ(reply.error.kind, ErrorKind::kTimeout);
  EXPECT_EQ(connection_->ping(soon()).error().kind, ErrorKind::kTimeout);
  signal_daemon(SIGCONT);
}

TEST_P(DaemonDeathTest, AStoppedDaemonMeansUnknownAtTheDeadlineIfItHadBegun) {
  const std::uint64_t correlation = start("send and stay silent", soon());
  stop_daemon();
  const auto reply = connection_->wait(correlation);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->outcome, Outcome::kUnknown);
  signal_daemon(SIGCONT);
  EXPECT_TRUE(connection_->ping().has_value());
}

TEST_P(DaemonDeathTest, AStoppedDaemonDoesNotHoldACallWithoutADeadlineForEver) {
  be_impatient();
  const std::uint64_t begun = start("send and stay silent");
  stop_daemon();
  const auto untaken = connection_->start_call({.server = "demo", .tool = "send"});
  ASSERT_TRUE(untaken.has_value());
  const auto unknown = connection_->wait(begun);
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->outcome, Outcome::kUnknown);
  EXPECT_EQ(unknown->error.code, ErrorCode::kDaemonUnreachable);
  const auto not_sent = connection_->wait(*untaken);
  ASSERT_TRUE(not_sent.has_value());
  EXPECT_EQ(not_sent->outcome, Outcome::kNotSent);
  EXPECT_EQ(not_sent->error.code, ErrorCode::kDaemonUnreachable);
}

TEST_P(DaemonDeathTest, AStoppedDaemonDoesNotHoldOtherRequestsForEver) {
  be_impatient();
  stop_daemon();
  const auto tools = connection_->list_tools("");
  ASSERT_FALSE(tools.has_value());
  EXPECT_EQ(tools.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(tools.error().code, ErrorCode::kDaemonUnreachable);
}

TEST_P(DaemonDeathTest, AStoppedDaemonHasNotShutDown) {
  be_impatient();
  stop_daemon();
  EXPECT_EQ(connection_->shutdown().error().kind, ErrorKind::kTimeout);
}

INSTANTIATE_TEST_SUITE_P(Carriers, DaemonDeathTest, ::testing::Values(64U * 1024, 0U),
                         [](const auto& parameter) {
                           return std::string(parameter.param == 0 ? "Socket" : "Ring");
                         });

}  // namespace
}  // namespace mcpwire::client
