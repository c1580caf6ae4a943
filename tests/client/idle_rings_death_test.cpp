// SPDX-License-Identifier: MIT
//
// A daemon process that is killed or stopped after it gave the rings of an idle client back:
// nothing was in flight, so the next call was not sent, and is sent to whoever comes next.
#include "tests/client/daemon_fixture.hpp"
#include "tests/client/demo_calls.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace mcpwire::client {
namespace {

using protocol::Outcome;

class IdleRingsDeathTest : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    ::setenv("MCPWIRE_FAKE_DAEMON_RING_IDLE_NS", "1000000", 1);
    options_.deadline_grace_ns = 0;
    auto connection = Connection::connect(options_);
    ASSERT_TRUE(connection.has_value()) << connection.error().message();
    connection_.emplace(std::move(*connection));
    pid_ = connection_->agreement().daemon_pid;
  }
  void TearDown() override {
    ::kill(pid_, SIGCONT);
    connection_.reset();
    ::unsetenv("MCPWIRE_FAKE_DAEMON_RING_IDLE_NS");
    DaemonFixture::TearDown();
  }

  std::string file_of_daemon(const char* name) const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// Seen from outside: nothing of any ring is mapped there.
  void await_rings_gone() const {
    while (file_of_daemon("maps").find("memfd:mcpwire-ring") != std::string::npos) {
      std::this_thread::yield();
    }
  }
  void stop_daemon() const {
    ::kill(pid_, SIGSTOP);
    for (std::string stat = "R"; stat.find(") T") == std::string::npos;) {
      std::this_thread::yield();
      stat = file_of_daemon("stat");
    }
  }

  CallReply call(std::string_view tool, std::uint64_t deadline_ns = 0) {
    CallRequest request = demo_call(tool);
    request.deadline_ns = deadline_ns;
    return connection_->call_tool(request);
  }

  std::optional<Connection> connection_;
  std::int32_t pid_ = 0;
};

TEST_F(IdleRingsDeathTest, TheRingsAreReallyUnmapped) {
  ASSERT_EQ(call("echo").outcome, Outcome::kOk);
  await_rings_gone();
  ASSERT_EQ(call("echo").outcome, Outcome::kOk);
  EXPECT_EQ(connection_->agreement().daemon_pid, pid_);
}

TEST_F(IdleRingsDeathTest, AClientThatCanMakeNoMoreMemoryIsServedOverTheSocket) {
  await_rings_gone();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(UniqueFd(::dup(0)).get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const CallReply first = call("echo");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(first.outcome, Outcome::kOk) << first.error.message();
  EXPECT_EQ(connection_->agreement().ring_bytes, 0U);
  EXPECT_EQ(call("send").outcome, Outcome::kOk);
  EXPECT_EQ(connection_->reconnects(), 0U);
}

TEST_F(IdleRingsDeathTest, AKilledDaemonGetsASuccessorThatIsSentTheCall) {
  ASSERT_EQ(call("echo").outcome, Outcome::kOk);
  await_rings_gone();
  ::kill(pid_, SIGKILL);
  const CallReply reply = call("echo");
  EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_NE(connection_->agreement().daemon_pid, pid_);
}

TEST_F(IdleRingsDeathTest, AKilledDaemonWithoutSuccessorWasSentNothing) {
  await_rings_gone();  // The fake daemon keeps the end of a connection that was left.
  options_.auto_start = AutoStart::kNo;
  connection_ = *Connection::connect(options_);
  await_rings_gone();
  ::kill(pid_, SIGKILL);
  const CallReply reply = call("echo");
  EXPECT_EQ(reply.outcome, Outcome::kNotSent) << reply.error.message();
}

TEST_F(IdleRingsDeathTest, AStoppedDaemonWasSentNothingAndGoesOnLater) {
  await_rings_gone();
  stop_daemon();
  const CallReply reply = call("echo", monotonic_now_ns() + 20 * kNanosecondsPerMillisecond);
  EXPECT_EQ(reply.outcome, Outcome::kNotSent) << reply.error.message();
  ::kill(pid_, SIGCONT);
  // The offer of the call that was given up is answered now, and used.
  EXPECT_EQ(call("echo").outcome, Outcome::kOk);
  EXPECT_EQ(connection_->agreement().daemon_pid, pid_);
  EXPECT_EQ(connection_->reconnects(), 0U);
}

}  // namespace
}  // namespace mcpwire::client
