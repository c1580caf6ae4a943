// SPDX-License-Identifier: MIT
//
// One process takes of the daemon whatever it can get: connections, rings, calls. Another one still
// gets its connection, its rings, its ping and its call.
#include "tests/client/daemon_fixture.hpp"
#include "tests/client/demo_calls.hpp"

#include <sys/wait.h>

#include <optional>
#include <utility>
#include <vector>

namespace mcpwire::client {
namespace {

using protocol::Outcome;

class GreedyProcessTest : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    ::setenv("MCPWIRE_FAKE_DAEMON_QUOTA", "200", 1);
  }
  void TearDown() override {
    ::unsetenv("MCPWIRE_FAKE_DAEMON_QUOTA");
    DaemonFixture::TearDown();
  }

  /// Runs `work` in a process of its own; its exit code.
  template <class Work>
  static int in_another_process(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// What a modest client wants; 0 if it gets all of it.
  int want_a_little() const {
    ConnectOptions modest = options_;
    modest.auto_start = AutoStart::kNo;
    auto connection = Connection::connect(modest);
    if (!connection) return 1;
    if (connection->agreement().ring_bytes == 0) return 2;
    if (!connection->ping()) return 3;
    if (connection->call_tool(demo_call("echo")).outcome != Outcome::kOk) return 4;
    return 0;
  }
};

TEST_F(GreedyProcessTest, ASecondProcessIsServedBesideIt) {
  std::vector<Connection> held;
  std::optional<Error> refused;
  while (!refused && held.size() < 1000) {
    auto connection = Connection::connect(options_);
    if (connection) {
      held.push_back(std::move(*connection));
    } else {
      refused = connection.error();
    }
  }
  ASSERT_TRUE(refused.has_value());
  EXPECT_NE(refused->message().find("too many connections"), std::string::npos)
      << refused->message();
  EXPECT_GE(held.size(), 90U);
  EXPECT_EQ(in_another_process([this] { return want_a_little(); }), 0);

  // Calls that are never answered, on all of them, until every one is refused.
  std::size_t rejected = 0;
  for (Connection& connection : held) {
    for (int i = 0; i < 3; ++i) {
      const auto started = connection.start_call(demo_call("silent"));
      ASSERT_TRUE(started.has_value());
      const auto reply = connection.call_tool(demo_call("rejected"));
      ASSERT_EQ(reply.outcome, Outcome::kRejected);
      if (reply.error.code == ErrorCode::kQueueFull) ++rejected;
    }
  }
  EXPECT_GT(rejected, 0U);
  EXPECT_EQ(in_another_process([this] { return want_a_little(); }), 0);

  held.clear();
  // As soon as the daemon has seen them go.
  while (want_a_little() != 0) std::this_thread::yield();
}

}  // namespace
}  // namespace mcpwire::client
