// SPDX-License-Identifier: MIT
//
// Sudden deaths: of the daemon, of the client, and bytes that no client of ours would send. What a
// caller is told is true, nothing runs twice, nothing is left behind.
#include "protocol/request_header.hpp"
#include "tests/process/daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;

class CrashTest : public DaemonFixture {
 protected:
  std::string ledger_path() { return work() + "/ledger"; }
  void use_ledger_server() {
    use_server(demo_server(), R"("env":{"MCPWIRE_LEDGER":")" + ledger_path() + "\"}");
  }
  std::size_t executions_of(const std::string& token) {
    const std::string ledger = read_file(ledger_path());
    std::size_t count = 0;
    for (std::size_t at = ledger.find(token + "\n"); at != std::string::npos;
         at = ledger.find(token + "\n", at + 1)) {
      ++count;
    }
    return count;
  }
  Finished record(const std::string& token) {
    return run({"call", "demo/ledger", R"({"token":")" + token + R"("})"});
  }
  void wait_for_calls(int count) {
    const std::string wanted = "\"calls\":" + std::to_string(count);
    while (run({"daemon", "status", "--json"}).out.find(wanted) == std::string::npos) {
    }
  }
  /// A connection to the daemon's socket that says what it is told to.
  UniqueFd raw_connection() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = run_directory() + "/daemon.sock";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  /// Sends the bytes and reads until the daemon has hung up; a hang ends by the test's time limit.
  static void send_until_closed(const UniqueFd& socket, const std::string& bytes) {
    ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    char answer[4096];
    while (::recv(socket.get(), answer, sizeof answer, 0) > 0) {
    }
  }
};

TEST_F(CrashTest, AHundredKillsOfTheDaemonShowNoErrorAndRepeatNothing) {
  use_ledger_server();
  for (int round = 0; round < 100; ++round) {
    const std::string token = "round-" + std::to_string(round);
    const Finished call = record(token);
    ASSERT_EQ(call.exit_code, 0) << round << ": " << call.err;
    EXPECT_EQ(executions_of(token), 1U);
    const pid_t daemon = daemon_pid();
    ASSERT_GT(daemon, 0);
    // Not waited for: the next command meets the daemon while it is dying.
    ASSERT_EQ(::kill(daemon, SIGKILL), 0);
  }
}

TEST_F(CrashTest, ADaemonKilledInMidCallIsUnknown) {
  use_ledger_server();
  // The server is there: a call that has been counted has been handed over, in the same turn.
  ASSERT_EQ(record("before").exit_code, 0);
  RunningProgram call = start({"call", "demo/sleep", R"({"ms":60000})"}, {});
  wait_for_calls(2);
  ASSERT_EQ(::kill(daemon_pid(), SIGKILL), 0);
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 6) << finished.err;
  EXPECT_EQ(record("after").exit_code, 0);
}

TEST_F(CrashTest, ADaemonKilledBeforeItSentTheCallIsNotSent) {
  use_server(write_script("silent", "exec cat >/dev/null"));
  RunningProgram call = start({"call", "demo/echo", "{}", "--timeout", "3s"}, {});
  wait_for_calls(1);
  ASSERT_EQ(::kill(daemon_pid(), SIGKILL), 0);
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 3) << finished.err;
}

TEST_F(CrashTest, AKilledClientCostsTheDaemonNothing) {
  use_demo_server();
  RunningProgram call = start({"call", "demo/sleep", R"({"ms":60000})"}, {});
  wait_for_calls(1);
  call.signal(SIGKILL);
  EXPECT_EQ(call.finish().exit_code, 128 + SIGKILL);
  while (run({"daemon", "status", "--json"}).out.find("\"clients\":1") == std::string::npos) {
  }
  EXPECT_EQ(echo().exit_code, 0);
}

TEST_F(CrashTest, TheDeathOfTheDaemonLeavesNoGrandchildBehindAWrapper) {
  // As npx does: the wrapper stays, the server proper is its child.
  use_server(write_script("wrapper", "exec 3<&0\n" + demo_server() + " <&3 &\nwait"));
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  const std::vector<pid_t> wrappers = children_like(daemon, "wrapper");
  ASSERT_EQ(wrappers.size(), 1U);
  const std::vector<pid_t> servers = children_like(wrappers[0], "mcpwire-demo-server");
  ASSERT_EQ(servers.size(), 1U);
  const UniqueFd wrapper = open_process(wrappers[0]);
  const UniqueFd server = open_process(servers[0]);
  ASSERT_EQ(::kill(daemon, SIGKILL), 0);
  EXPECT_TRUE(wait_for_process_end(wrapper, kPatienceNs));
  EXPECT_TRUE(wait_for_process_end(server, kPatienceNs));
}

TEST_F(CrashTest, TheDeathOfTheDaemonLeavesNothingThatLeftItsServersSession) {
  // Two that double-fork into sessions of their own, one that clears its environment as well.
  const std::string note = work() + "/escaped";
  use_server(write_script("leaver", "(setsid sh -c 'echo $$ >>" + note +
                                        "; exec sleep 1000' </dev/null >/dev/null 2>&1 &)\n" +
                                        "(setsid env -i sh -c 'echo $$ >>" + note +
                                        "; exec sleep 1000' </dev/null >/dev/null 2>&1 &)\nexec " +
                                        demo_server()));
  ASSERT_EQ(echo().exit_code, 0);
  std::vector<pid_t> escaped;
  while (escaped.size() < 2) {
    escaped.clear();
    std::istringstream lines(read_file(note));
    for (pid_t process = 0; lines >> process;) escaped.push_back(process);
  }
  for (const pid_t process : escaped) ASSERT_TRUE(is_running(process));
  std::vector<UniqueFd> ends;
  for (const pid_t process : escaped) ends.push_back(open_process(process));
  ASSERT_EQ(::kill(daemon_pid(), SIGKILL), 0);
  for (const UniqueFd& end : ends) EXPECT_TRUE(!end || wait_for_process_end(end, kPatienceNs));
}

TEST_F(CrashTest, AKilledGuardianIsReplacedAndStillGuards) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  const std::vector<pid_t> servers = children_like(daemon, "mcpwire-demo-server");
  ASSERT_EQ(servers.size(), 1U);
  std::vector<pid_t> guardians = children_of(daemon);
  std::erase(guardians, servers[0]);
  ASSERT_EQ(guardians.size(), 1U);
  ASSERT_EQ(::kill(guardians[0], SIGKILL), 0);
  while (true) {
    std::vector<pid_t> now = children_of(daemon);
    std::erase(now, servers[0]);
    if (now.size() == 1 && now[0] != guardians[0]) break;
  }
  const UniqueFd server = open_process(servers[0]);
  ASSERT_EQ(::kill(daemon, SIGKILL), 0);
  EXPECT_TRUE(wait_for_process_end(server, kPatienceNs));
}

TEST_F(CrashTest, HostileBytesCloseTheirOwnConnectionOnly) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  protocol::FrameHeader corrupt{};
  corrupt.request = protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kHello);
  corrupt.request.flags = 0xffffffff;
  send_until_closed(raw_connection(), std::string(as_text(object_bytes(corrupt))));
  send_until_closed(raw_connection(), "MCPW");
  send_until_closed(raw_connection(), std::string(64 * 1024, 'x'));
  protocol::FrameHeader early{};
  early.request = protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kPing);
  early.correlation = 1;
  send_until_closed(raw_connection(), std::string(as_text(object_bytes(early))));
  EXPECT_EQ(daemon_pid(), daemon);
  EXPECT_EQ(echo().exit_code, 0);
  EXPECT_THAT(run({"daemon", "status", "--json"}).out, HasSubstr("\"violations\":4"));
  EXPECT_THAT(log(), HasSubstr("broke the protocol"));
}

}  // namespace
}  // namespace mcpwire::test
