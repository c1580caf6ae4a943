// SPDX-License-Identifier: MIT
//
// Servers in cgroups, and the warden that does without. Where this machine lets nobody make a
// cgroup, the tests hold that to be told and change nothing.
#include "io/cgroup_tree.hpp"

#include "tests/io/process_fixture.hpp"

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <sstream>

namespace mcpwire::io {
namespace {

class CgroupTreeTest : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    auto made = CgroupTree::create(*loop);
    if (made.has_value()) {
      tree = *std::move(made);
      spawner = std::make_unique<UringProcessSpawner>(*loop, *guardian, tree.get());
    } else {
      EXPECT_EQ(made.error().kind, ErrorKind::kUnsupported) << made.error().message();
    }
  }
  void TearDown() override {
    spawner.reset();
    const std::string path = tree ? tree->path() : "";
    tree.reset();
    EXPECT_TRUE(path.empty() || !std::filesystem::exists(path)) << path << " is left";
    ProcessTest::TearDown();
  }
  std::size_t servers() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(tree->path())) {
      if (entry.is_directory()) ++count;
    }
    return count;
  }
  static std::string cgroup_of(pid_t process) {
    std::istringstream lines(read_file("/proc/" + std::to_string(process) + "/cgroup"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("0::")) return line.substr(3);
    }
    return "";
  }
  /// Not every change that is waited for wakes the loop.
  template <class Done>
  void wait_until(Done done) {
    while (!done()) loop->run_once(kNanosecondsPerMillisecond);
  }
  /// The first line of what a program of ours says.
  std::string said(WatchedChild& child) {
    run_until([&] { return child.output.text.find('\n') != std::string::npos; });
    return child.output.text.substr(0, child.output.text.find('\n'));
  }

  std::unique_ptr<CgroupTree> tree;
};

TEST_F(CgroupTreeTest, AServerBeginsInItsOwn) {
  if (!tree) return;
  const auto first = start({"idle"});
  const auto second = start({"idle"});
  const std::string name = tree->path().substr(tree->path().rfind('/'));
  EXPECT_TRUE(cgroup_of(first->process->process_id()).ends_with(name + "/server-1"));
  EXPECT_TRUE(cgroup_of(second->process->process_id()).ends_with(name + "/server-2"));
  EXPECT_FALSE(cgroup_of(getpid()).ends_with(name));
}

TEST_F(CgroupTreeTest, WhatLeftGroupSessionAndParentEndsWithItsServer) {
  if (!tree) return;
  const std::string marker = marker_of("escaped");
  const auto other = start({"idle"});
  const auto server = start({"escape", marker});
  EXPECT_EQ(said(*server), "escaped");
  wait_until([&] { return processes_marked(marker).size() == 2; });
  server->process->signal_group(StopSignal::kKill);
  run_until([&] { return server->status.has_value(); });
  wait_until_none_is_left(marker);
  EXPECT_FALSE(other->status.has_value());
}

TEST_F(CgroupTreeTest, ADirectoryGoesWithItsServer) {
  if (!tree) return;
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    const auto child = start({"exit", "0"});
    run_until_over(*child);
  }
  while (servers() > 0 || open_descriptors() > before) loop->run_once(kNanosecondsPerMillisecond);
}

TEST_F(CgroupTreeTest, WhatAServerMadeBelowItsOwnGoesToo) {
  if (!tree) return;
  const auto child = start({"idle"});
  const std::string own = tree->path() + "/server-1";
  ASSERT_EQ(::mkdir((own + "/a").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((own + "/a/b").c_str(), 0755), 0);
  child->process->signal_group(StopSignal::kKill);
  run_until_over(*child);
  while (servers() > 0) loop->run_once(kNanosecondsPerMillisecond);
}

TEST_F(CgroupTreeTest, AServerThatCannotStartLeavesNoDirectory) {
  if (!tree) return;
  EXPECT_FALSE(spawner->spawn({"/no/such/program", {}, {}, "/"}).has_value());
  while (servers() > 0) loop->run_once(kNanosecondsPerMillisecond);
}

TEST_F(CgroupTreeTest, LimitsAreThoseOfTheRequestWhereTheControllersAreThere) {
  if (!tree) return;
  SpawnRequest request{kProgram, {"idle"}, {}, "/"};
  request.limits.memory_bytes = std::uint64_t{64} << 20;
  request.limits.processes = 9;
  const auto child = std::make_unique<WatchedChild>(spawner->spawn(request).value());
  const std::string memory = read_file(tree->path() + "/server-1/memory.max");
  const std::string pids = read_file(tree->path() + "/server-1/pids.max");
  EXPECT_EQ(memory, tree->can_limit_memory() ? "67108864\n" : "");
  EXPECT_EQ(pids, tree->can_limit_processes() ? "9\n" : "");
}

TEST_F(CgroupTreeTest, WhatADeadDaemonLeftIsRemoved) {
  if (!tree) return;
  const std::string parent = std::filesystem::path(tree->path()).parent_path();
  const auto gone = start({"exit", "0"});
  const std::string left = parent + "/mcpwire-" + std::to_string(gone->process->process_id());
  const std::string not_ours = parent + "/mcpwire-other";
  run_until_over(*gone);
  ASSERT_EQ(::mkdir(left.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((left + "/server-1").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(not_ours.c_str(), 0755), 0);
  spawner.reset();
  tree = CgroupTree::create_below(*loop, parent).value();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(not_ours));
  ::rmdir(not_ours.c_str());
}

TEST_F(CgroupTreeTest, ADirectoryThatIsNoCgroupIsRefusedAndLeftAsItWas) {
  std::string path = "/tmp/mcpwire-no-cgroup.XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const auto made = CgroupTree::create_below(*loop, path);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().kind, ErrorKind::kUnsupported);
  EXPECT_TRUE(std::filesystem::is_empty(path));
  EXPECT_EQ(::rmdir(path.c_str()), 0);
}

TEST_F(CgroupTreeTest, TheGuardianEndsTheTreeOfAnOwnerThatWasKilled) {
  if (!tree) return;
  const std::string marker = marker_of("guarded");
  // Not in a cgroup of ours, which would end the guardian too.
  spawner = std::make_unique<UringProcessSpawner>(*loop, *guardian);
  const auto owner = start({"own-escape", marker, "cgroup"});
  const std::string line = said(*owner);
  const std::string path = line.substr(line.find(' ') + 1);
  // The owner, its server and the one that escaped.
  wait_until([&] { return processes_marked(marker).size() == 3; });
  ASSERT_TRUE(std::filesystem::exists(path));
  ::kill(std::stoi(line), SIGKILL);
  wait_until_none_is_left(marker);
  while (std::filesystem::exists(path)) loop->run_once(kNanosecondsPerMillisecond);
}

TEST_F(CgroupTreeTest, TheWardenEndsWhatAKilledOwnerLeavesWithoutCgroups) {
  const std::string marker = marker_of("warded");
  // No group and no cgroup of ours may do the warden's work.
  spawner = std::make_unique<UringProcessSpawner>(*loop, *guardian);
  const auto owner = start({"own-escape", marker});
  const pid_t daemon = std::stoi(said(*owner));
  EXPECT_NE(daemon, owner->process->process_id());
  // The warden, the owner, its server and the one that escaped.
  wait_until([&] { return processes_marked(marker).size() == 4; });
  ::kill(daemon, SIGKILL);
  wait_until_none_is_left(marker);
  run_until([&] { return owner->status.has_value(); });
  EXPECT_FALSE(owner->status->by_signal);
  EXPECT_EQ(owner->status->code, 0);
}

}  // namespace
}  // namespace mcpwire::io
