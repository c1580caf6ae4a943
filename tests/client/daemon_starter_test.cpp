// SPDX-License-Identifier: MIT
#include "client/daemon_starter.hpp"

#include "client/connection.hpp"
#include "client/detail/daemon_spawn.hpp"
#include "tests/client/daemon_fixture.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace mcpwire::client {
namespace {

class DaemonStarterTest : public DaemonFixture {};

constexpr const char* kCleanSurroundings = "descriptors 4, own session, cwd /, no secret\n";

TEST_F(DaemonStarterTest, StartsADaemonThatInheritsNothing) {
  auto connection = Connection::connect(options_);
  ASSERT_TRUE(connection.has_value()) << connection.error().message();
  EXPECT_TRUE(connection->ping().has_value());
  EXPECT_EQ(starts(), kCleanSurroundings);
}

TEST_F(DaemonStarterTest, UsesTheDaemonThatRuns) {
  ASSERT_TRUE(Connection::connect(options_).has_value());
  ASSERT_TRUE(Connection::connect(options_).has_value());
  EXPECT_EQ(starts(), kCleanSurroundings);
}

TEST_F(DaemonStarterTest, ManyClientsAtOnceStartOneDaemon) {
  constexpr int kClients = 40;
  std::atomic<int> connected{0};
  std::atomic<int> waiting{kClients};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      waiting.fetch_sub(1, std::memory_order_relaxed);
      while (waiting.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
      auto connection = Connection::connect(options_);
      if (connection && connection->ping()) connected.fetch_add(1, std::memory_order_relaxed);
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(connected.load(std::memory_order_relaxed), kClients);
  EXPECT_EQ(starts(), kCleanSurroundings);
}

TEST_F(DaemonStarterTest, AStaleSocketFileDoesNotStopAStart) {
  leave_stale_socket();
  EXPECT_TRUE(Connection::connect(options_).has_value());
}

TEST_F(DaemonStarterTest, ADaemonThatDiedIsStartedAgainUnderAConnection) {
  auto connection = Connection::connect(options_);
  ASSERT_TRUE(connection.has_value());
  life_.reset();
  wait_for_end();
  allow_life();
  EXPECT_EQ(connection->call_tool({.server = "demo", .tool = "echo"}).outcome,
            protocol::Outcome::kOk);
  EXPECT_EQ(connection->reconnects(), 1U);
}

TEST_F(DaemonStarterTest, WithoutAutoStartNothingIsStarted) {
  options_.auto_start = AutoStart::kNo;
  EXPECT_EQ(connect_error().code, ErrorCode::kDaemonUnreachable);
  EXPECT_EQ(starts(), "");
}

TEST_F(DaemonStarterTest, TheDaemonsOwnReasonIsToldToThePerson) {
  ::setenv("MCPWIRE_FAKE_DAEMON", "error", 1);
  const Error error = connect_error();
  EXPECT_EQ(error.code, ErrorCode::kDaemonStartFailed);
  EXPECT_EQ(error.message(), "the daemon could not start: the moon is wrong");
}

TEST_F(DaemonStarterTest, ADaemonThatEndsWithoutAWordIsExplainedByItsLog) {
  ::setenv("MCPWIRE_FAKE_DAEMON", "exit", 1);
  const Error error = connect_error();
  EXPECT_EQ(error.code, ErrorCode::kDaemonStartFailed);
  EXPECT_NE(error.message().find("it all went wrong"), std::string::npos) << error.message();
}

TEST_F(DaemonStarterTest, ADaemonThatNeverGetsReadyIsEndedAtTheDeadline) {
  ::setenv("MCPWIRE_FAKE_DAEMON", "hang", 1);
  options_.connect_timeout_ns = 50 * kNanosecondsPerMillisecond;
  const Error error = connect_error();
  EXPECT_EQ(error.kind, ErrorKind::kTimeout);
  EXPECT_EQ(error.code, ErrorCode::kDaemonStartFailed);
}

TEST_F(DaemonStarterTest, AStartLeavesNoChildBehind) {
  ASSERT_TRUE(Connection::connect(options_).has_value());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(DaemonStarterTest, AProgramThatIsNotThereIsNamed) {
  options_.daemon_program = "/no/such/mcpwired";
  const Error error = connect_error();
  EXPECT_EQ(error.code, ErrorCode::kDaemonStartFailed);
  EXPECT_NE(error.message().find("/no/such/mcpwired"), std::string::npos);
}

TEST_F(DaemonStarterTest, AClientThatIsInterruptedWhileOthersStartLeaves) {
  const auto directory = ring::RuntimeDirectory::open(path_);
  const auto lock = directory->try_lock_start();
  ASSERT_TRUE(lock->has_value());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  options_.interrupt.fd = read_end.get();
  EXPECT_EQ(connect_error().code, ErrorCode::kCancelledByCaller);
}

TEST_F(DaemonStarterTest, TheDaemonGetsOnlyWhatItReadsItself) {
  const char* environment[] = {"PATH=/bin", "SECRET=1", "MCPWIRE_LOG=debug",
                               "HOME=/h",   "HOMER=2",  nullptr};
  const std::vector<std::string> expected = {"PATH=/bin", "MCPWIRE_LOG=debug", "HOME=/h"};
  EXPECT_EQ(detail::daemon_environment(environment), expected);
}

}  // namespace
}  // namespace mcpwire::client
