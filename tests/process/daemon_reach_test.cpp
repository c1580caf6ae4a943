// SPDX-License-Identifier: MIT
//
// A daemon that runs and cannot be reached: stopped, without its socket, without its directory.
#include "tests/process/daemon_fixture.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;

class DaemonReachTest : public DaemonFixture {
 protected:
  DaemonReachTest() { use_demo_server(); }

  pid_t started_daemon() {
    EXPECT_EQ(run({"daemon", "start"}).exit_code, 0);
    const pid_t daemon = daemon_pid();
    EXPECT_GT(daemon, 1);
    return daemon;
  }
  std::string socket_file() { return run_directory() + "/daemon.sock"; }
};

TEST_F(DaemonReachTest, AStoppedDaemonIsSaidToRunAndIsNotSaidToHaveBeenStopped) {
  const pid_t daemon = started_daemon();
  const std::string text =
      "mcpwired is running, but not answering (pid " + std::to_string(daemon) + ")";
  ASSERT_EQ(::kill(daemon, SIGSTOP), 0);
  const Finished status = run({"daemon", "status", "--timeout", "300ms"});
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_THAT(status.out, HasSubstr(text));
  const Finished json = run({"daemon", "status", "--json", "--timeout", "300ms"});
  EXPECT_EQ(json.exit_code, 3);
  EXPECT_EQ(json.out,
            "{\"running\":true,\"answering\":false,\"pid\":" + std::to_string(daemon) + "}\n");
  const Finished stop = run({"daemon", "stop", "--timeout", "300ms"});
  EXPECT_EQ(stop.exit_code, 3);
  EXPECT_THAT(stop.err, HasSubstr(text + "; it was not stopped"));
  EXPECT_EQ(run({"daemon", "start", "--timeout", "300ms"}).exit_code, 3);
  const Finished call = run({"call", "demo/echo", R"({"message":"hi"})", "--timeout", "300ms"});
  EXPECT_EQ(call.exit_code, 3);
  EXPECT_THAT(call.err, HasSubstr("(pid " + std::to_string(daemon) + ") runs, but does not"));
  ASSERT_EQ(::kill(daemon, SIGCONT), 0);
  EXPECT_EQ(echo().out, "hi\n");
  EXPECT_EQ(daemon_pid(), daemon);
}

TEST_F(DaemonReachTest, ASocketThatIsRemovedIsMadeAnew) {
  const pid_t daemon = started_daemon();
  ASSERT_TRUE(std::filesystem::remove(socket_file()));
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(daemon_pid(), daemon);
  EXPECT_THAT(log(), HasSubstr("listening anew"));
}

TEST_F(DaemonReachTest, ASocketThatIsReplacedIsMadeAnew) {
  const pid_t daemon = started_daemon();
  write_file(run_directory() + "/other", "no socket");
  std::filesystem::rename(run_directory() + "/other", socket_file());
  EXPECT_EQ(echo().out, "hi\n");
  EXPECT_EQ(daemon_pid(), daemon);
}

TEST_F(DaemonReachTest, ADaemonWithoutASocketIsFoundAndStopped) {
  const pid_t daemon = started_daemon();
  const UniqueFd process = open_process(daemon);
  ASSERT_TRUE(std::filesystem::remove(socket_file()));
  const Finished stop = run({"daemon", "stop"});
  EXPECT_EQ(stop.exit_code, 0) << stop.err;
  EXPECT_EQ(stop.out, "mcpwired stopped\n");
  EXPECT_TRUE(wait_for_process_end(process, kPatienceNs));
}

TEST_F(DaemonReachTest, ADaemonWhoseDirectoryIsGoneEndsAndLeavesTheNextOneAlone) {
  const pid_t daemon = started_daemon();
  EXPECT_EQ(echo().out, "hi\n");
  const UniqueFd process = open_process(daemon);
  std::filesystem::rename(run_directory(), run_directory() + ".gone");
  EXPECT_EQ(echo().out, "hi\n");
  EXPECT_TRUE(wait_for_process_end(process, kPatienceNs));
  const pid_t next = daemon_pid();
  EXPECT_NE(next, daemon);
  EXPECT_GT(next, 1);
}

/// Started by hand or by a service manager: it holds the lock and does not listen yet.
TEST_F(DaemonReachTest, ADaemonThatIsStartingIsWaitedForAndNotCompetedWith) {
  const UniqueFd lock(
      ::open((run_directory() + "/daemon.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  const std::string pid = std::to_string(::getpid());
  ASSERT_GT(::write(lock.get(), pid.data(), pid.size()), 0);
  const Finished late = run({"call", "demo/echo", "{}", "--timeout", "300ms"});
  EXPECT_EQ(late.exit_code, 3);
  EXPECT_THAT(late.err, HasSubstr("mcpwired (pid " + pid + ") runs, but does not listen"));
  EXPECT_THAT(run({"daemon", "status", "--timeout", "300ms"}).out, HasSubstr("(pid " + pid + ")"));
  EXPECT_EQ(run({"daemon", "stop", "--timeout", "300ms"}).exit_code, 3);
  RunningProgram call = start({"call", "demo/echo", R"({"message":"now"})"}, {});
  call.close_input();
  ASSERT_EQ(::flock(lock.get(), LOCK_UN), 0);
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.out, "now\n");
}

TEST_F(DaemonReachTest, WhatItsStarterWasDeniedIsNotDeniedToAll) {
  const std::string wrapper =
      write_script("low", "ulimit -n 64; exec nice -n 5 '" + program("mcpwire") + "' \"$@\"");
  ASSERT_EQ(run({"daemon", "start"}, {.program = wrapper}).exit_code, 0);
  const std::string status = run({"daemon", "status"}).out;
  const pid_t daemon = daemon_pid();
  rlimit files{};
  ASSERT_EQ(::prlimit(daemon, RLIMIT_NOFILE, nullptr, &files), 0);
  // Who may not raise it says so.
  if (files.rlim_cur < 256) EXPECT_THAT(status, HasSubstr("only 64 open files"));
  if (::getpriority(PRIO_PROCESS, static_cast<id_t>(daemon)) > 0) {
    EXPECT_THAT(status, HasSubstr("nice 5"));
  }
  EXPECT_EQ(echo().out, "hi\n");
}

TEST_F(DaemonReachTest, ALogThatIsALinkIsNotWrittenAndStatusSaysSo) {
  write_file(work() + "/precious", "kept", 0644);
  std::filesystem::create_symlink(work() + "/precious", run_directory() + "/daemon.log");
  ASSERT_EQ(echo().exit_code, 0);
  EXPECT_EQ(log(), "kept");
  EXPECT_THAT(run({"daemon", "status"}).out, HasSubstr("no daemon.log: it is a symbolic link"));
}

}  // namespace
}  // namespace mcpwire::test
