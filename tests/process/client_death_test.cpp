// SPDX-License-Identifier: MIT
//
// A client is killed at each of its system calls, from its first to its last. The daemon survives
// and keeps nothing of it, its server goes on, and what the client asked for happened at most once.
#include "tests/process/ledger_fixture.hpp"
#include "tests/process/traced_process.hpp"

#include <filesystem>
#include <iostream>

#include <sys/prctl.h>

namespace mcpwire::test {
namespace {

using client::AutoStart;
using client::Connection;
using protocol::Outcome;

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint32_t kStride = 25;  // Sanitizers make hundreds of calls of their own.
#else
constexpr std::uint32_t kStride = 1;
#endif
constexpr std::uint32_t kSystemCallsMax = 20'000;

class ClientDeathTest : public LedgerFixture {
 protected:
  static std::size_t open_descriptors_of(pid_t process) {
    const std::filesystem::directory_iterator files("/proc/" + std::to_string(process) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  /// False if it came to its end before.
  bool die_after(const std::string& token, std::uint32_t steps) {
    TracedProcess call({program("mcpwire"), "call", "demo/ledger", R"({"token":")" + token + "\"}"},
                       environment, work());
    for (std::uint32_t i = 0; i < steps; ++i) {
      if (!call.run_to_system_call()) return false;
    }
    call.kill();
    return true;
  }
};

TEST_F(ClientDeathTest, AtEachSystemCallCostsTheDaemonNothing) {
  if (!TracedProcess::is_possible()) GTEST_SKIP() << "ptrace() is refused";
  Connection witness = connect(AutoStart::kYes);
  ASSERT_EQ(record(witness, "first"), Outcome::kOk);
  ASSERT_EQ(record(witness, "second"), Outcome::kOk);
  // By the very command that is going to be killed: whatever the daemon keeps of it is there now.
  ASSERT_EQ(run({"call", "demo/ledger", R"({"token":"third"})"}).exit_code, 0);
  while (witness.status().value().clients != 1) {
  }
  const pid_t daemon = witness.agreement().daemon_pid;
  const std::vector<pid_t> servers = children_like(daemon, "mcpwire-demo-server");
  // Ours and theirs: a server's identity has variables of its caller in it.
  ASSERT_FALSE(servers.empty());
  // What it writes about the servers behind our back is open for a moment.
  std::size_t descriptors = open_descriptors_of(daemon);
  for (int unchanged = 0; unchanged < 200; ++unchanged) {
    ASSERT_TRUE(witness.ping().has_value());
    const std::size_t now = open_descriptors_of(daemon);
    if (now != descriptors) unchanged = 0;
    descriptors = now;
  }

  std::uint32_t steps = 0;
  std::size_t executed = 0;
  for (;; steps += kStride) {
    SCOPED_TRACE("death after " + std::to_string(steps));
    const std::string token = "client-" + std::to_string(steps);
    const bool died = die_after(token, steps);
    // Until the daemon has noticed; the time limit of the test ends what never comes.
    while (open_descriptors_of(daemon) != descriptors) {
    }
    // Served by the same process, in order: what the dead client had sent has been executed.
    ASSERT_EQ(run({"call", "demo/ledger", R"({"token":"next"})"}).exit_code, 0);
    while (open_descriptors_of(daemon) != descriptors) {
    }
    ASSERT_LE(executions_of(token), 1u);
    executed += executions_of(token);
    if (!died) break;
    ASSERT_LT(steps, kSystemCallsMax);
  }
  std::cout << "died at " << steps / kStride << " of " << steps << " system calls, executed "
            << executed << " times\n";
  EXPECT_GT(steps, 30u) << "a client has more system calls";
  EXPECT_GE(executed, 1u);
  EXPECT_EQ(record(witness, "last"), Outcome::kOk);
  EXPECT_EQ(children_like(daemon, "mcpwire-demo-server"), servers);
  EXPECT_EQ(witness.reconnects(), 0u);
  const auto status = witness.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->process_id, daemon);
  EXPECT_EQ(status->clients, 1u);
  EXPECT_EQ(status->violations, 0u);
}

}  // namespace
}  // namespace mcpwire::test
