// SPDX-License-Identifier: MIT
#include "io/stray_children.hpp"

#include "tests/io/strays_fixture.hpp"

#include <csignal>
#include <sstream>

namespace mcpwire::io {
namespace {

class StrayChildrenTest : public StraysTest {
 protected:
  /// Not every change that is waited for wakes the loop.
  template <class Done>
  void wait_until(Done done) {
    while (!done()) loop->run_once(kNanosecondsPerMillisecond);
  }
  /// A server that runs `script`, in which $0 starts an idle process with the marker.
  std::unique_ptr<WatchedChild> start_script(const std::string& script) {
    const std::string idle = std::string(kProgram) + " idle " + marker;
    const SpawnRequest request{"/bin/bash", {"-c", script, idle}, {}, "/", {}};
    return std::make_unique<WatchedChild>(spawner->spawn(request).value());
  }
  /// The id that a script wrote, once it is the id of a child of ours.
  pid_t adopted_child(const WatchedChild& server) {
    wait_until([&] { return server.output.text.ends_with("\n"); });
    const pid_t process = std::stoi(server.output.text);
    wait_until([&] { return parent_of(process) == ::getpid(); });
    return process;
  }
  static pid_t parent_of(pid_t process) {
    const std::string stat = read_file("/proc/" + std::to_string(process) + "/stat");
    std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(") ") + 2)));
    char state = 0;
    pid_t parent = 0;
    fields >> state >> parent;
    return parent;
  }
  static bool exists(pid_t process) { return ::kill(process, 0) == 0; }

  /// Leaves the group and the session, then loses its parent, and lives on.
  static constexpr const char* kLeave =
      "(setsid sh -c 'echo $$; exec '\"$0\" </dev/null 2>/dev/null &); ";

  std::string marker = marker_of("stray");
};

TEST_F(StrayChildrenTest, AStrayLivesAsLongAsItsServerAndNoLonger) {
  const auto server = start_script(std::string(kLeave) + "exec cat");
  const pid_t stray = adopted_child(*server);
  EXPECT_NE(::getsid(stray), server->process->process_id());
  EXPECT_TRUE(exists(stray));
  server->process->standard_input().close();
  wait_until([&] { return server->status.has_value() && !exists(stray); });
}

TEST_F(StrayChildrenTest, AChildInASessionOfItsOwnEndsWithItsServer) {
  // Its parent is alive until the end, so it is given to us only then.
  const auto server = start_script("setsid $0 & cat");
  wait_until([&] { return !processes_marked(marker).empty(); });
  server->process->signal_group(StopSignal::kKill);
  wait_until([&] { return server->status.has_value() && processes_marked(marker).empty(); });
}

TEST_F(StrayChildrenTest, WhileAnotherServerRunsAStrayOfUnknownOriginIsLeftAlone) {
  const auto first = start_script(std::string(kLeave) + "exec cat");
  const auto second = start({"idle"});
  const pid_t stray = adopted_child(*first);
  first->process->signal_group(StopSignal::kKill);
  wait_until([&] { return first->status.has_value(); });
  // Its end is a second look at all strays: what the first one killed is gone by then.
  const auto third = start({"idle"});
  third->process->signal_group(StopSignal::kKill);
  wait_until([&] { return third->status.has_value(); });
  for (int turn = 0; turn < 3; ++turn) loop->run_once(kNanosecondsPerMillisecond);
  EXPECT_TRUE(exists(stray));
  second->process->signal_group(StopSignal::kKill);
  wait_until([&] { return !exists(stray); });
}

TEST_F(StrayChildrenTest, AStrayInItsServersSessionEndsThoughAnotherServerRuns) {
  const auto second = start({"idle"});
  // An interactive shell gives each job a group of its own, within the session.
  const auto first =
      start_script("set -m; sh -c 'sh -c \"echo \\$\\$; exec '\"$0\"' <&-\" &'; exec cat");
  const pid_t stray = adopted_child(*first);
  ASSERT_EQ(::getsid(stray), first->process->process_id());
  ASSERT_NE(::getpgid(stray), first->process->process_id());
  first->process->signal_group(StopSignal::kKill);
  wait_until([&] { return !exists(stray); });
  EXPECT_FALSE(second->status.has_value());
}

TEST_F(StrayChildrenTest, AStrayThatEndsByItselfIsReaped) {
  const auto server = start_script("(setsid sh -c 'echo $$; exec cat' &); exec cat");
  wait_until([&] { return server->output.text.ends_with("\n"); });
  const pid_t stray = std::stoi(server->output.text);
  ::kill(stray, SIGKILL);
  wait_until([&] { return !exists(stray); });
  EXPECT_FALSE(server->status.has_value());
}

TEST_F(StrayChildrenTest, AtTheEndStraysOfStraysEndToo) {
  // The outer one waits for the inner one, which is given to us when the outer one is killed.
  const auto server = start_script(
      "(setsid sh -c 'setsid '\"$0\"' & '\"$0\"'; :' </dev/null >/dev/null 2>&1 &); exec cat");
  const std::string own = "/proc/" + std::to_string(server->process->process_id()) + "/comm";
  wait_until([&] { return processes_marked(marker).size() == 3 && read_file(own) == "cat\n"; });
  kill(server->process->process_id(), SIGKILL);
  while (!server->status.has_value()) loop->run_once(kNanosecondsPerSecond);
  strays.reset();
  EXPECT_EQ(processes_marked(marker), std::vector<pid_t>{});
}

}  // namespace
}  // namespace mcpwire::io
