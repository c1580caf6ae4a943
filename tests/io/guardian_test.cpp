// SPDX-License-Identifier: MIT
#include "io/guardian.hpp"

#include "io/detail/child_clone.hpp"
#include "tests/io/process_fixture.hpp"

#include <fcntl.h>
#include <csignal>
#include <random>
#include <set>

namespace mcpwire::io {
namespace {

class GuardianTest : public ProcessTest {
 protected:
  std::string guardian_file(const char* name) const {
    return read_file("/proc/" + std::to_string(guardian->process_id()) + "/" + name);
  }
  /// Waits until a guardian process has isolated itself, which ends with the one at 3 alone.
  static void wait_until_isolated(pid_t process) {
    const std::string directory = "/proc/" + std::to_string(process);
    while (read_file(directory + "/comm") != "mcpwire-guard\n") {
    }
    while (!std::filesystem::exists(directory + "/fd/3") ||
           std::filesystem::exists(directory + "/fd/4")) {
    }
  }
  /// Kills `owner` as the kernel's out-of-memory killer would and waits for all it had started.
  void kill_owner_and_expect_nothing_left(WatchedChild& owner, const std::string& marker) {
    kill(owner.process->process_id(), SIGKILL);
    run_until([&] { return owner.status.has_value(); });
    wait_until_none_is_left(marker);
  }
};

TEST_F(GuardianTest, HoldsNothingOfItsParent) {
  const pid_t process = guardian->process_id();
  wait_until_isolated(process);
  const std::string directory = "/proc/" + std::to_string(process);
  EXPECT_EQ(std::filesystem::read_symlink(directory + "/cwd"), "/");
  EXPECT_EQ(getsid(process), process);
  EXPECT_EQ(guardian_file("environ"), "");
  std::set<std::string> descriptors;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/fd")) {
    const std::string target = std::filesystem::read_symlink(entry.path());
    descriptors.insert(entry.path().filename().string() + " " + target.substr(0, target.find(':')));
  }
  EXPECT_EQ(descriptors,
            (std::set<std::string>{"0 /dev/null", "1 /dev/null", "2 /dev/null", "3 pipe"}));
}

TEST_F(GuardianTest, KillsWhatIsRegisteredAtTheEndOfThePipeAndNothingElse) {
  const auto listed = start({"idle"});
  WatchedChild taken_off(spawner->spawn({"/bin/cat", {}, {}, "/"}).value());
  auto pipe = detail::create_pipe().value();
  const std::string path = kProgram;
  std::string part = "guardian";
  std::string name = "guard";
  char* const arguments[] = {name.data(), part.data(), nullptr};
  char* const environment[] = {nullptr};
  const UniqueFd null_device =
      detail::above_standard_streams(UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC))).value();
  auto process = detail::clone_child({.program = path.c_str(),
                                      .arguments = arguments,
                                      .environment = environment,
                                      .standard_streams = {pipe.read_end.get(), null_device.get(),
                                                           null_device.get()}})
                     .value();
  ASSERT_EQ(process.failed_step, detail::ChildStep::kExecuted);
  const std::int32_t first = listed->process->process_id();
  const std::int32_t second = taken_off.process->process_id();
  for (const detail::GuardianRecord record : {second, first, -second, 0, 1, -1}) {
    ASSERT_EQ(write(pipe.write_end.get(), &record, sizeof(record)), ssize_t{sizeof(record)});
  }
  wait_until_isolated(process.process_id);
  kill(process.process_id, SIGTERM);
  kill(process.process_id, SIGINT);
  EXPECT_FALSE(listed->status.has_value());
  pipe.write_end.reset();
  const auto status = detail::reap_child(process.pidfd.get(), detail::ReapMode::kWait);
  ASSERT_TRUE(status.has_value());
  run_until([&] { return listed->status.has_value(); });
  EXPECT_EQ(listed->status->code, SIGKILL);
  taken_off.process->standard_input().close();
  run_until_over(taken_off);
  EXPECT_FALSE(taken_off.status->by_signal);
}

TEST_F(GuardianTest, NothingOutlivesAKilledDaemonNotEvenAGrandchild) {
  const std::string marker = marker_of("owned");
  const auto owner = start({"own", marker});
  run_until([&] { return owner->output.text.ends_with('\n'); });
  const pid_t owners_guardian = std::stoi(owner->output.text);
  kill_owner_and_expect_nothing_left(*owner, marker);
  wait_for_end(owners_guardian);
}

TEST_F(GuardianTest, ANewGuardianKnowsTheGroupsOfTheOldOne) {
  const std::string marker = marker_of("taken-over");
  const auto owner = start({"own-with-new-guardian", marker});
  run_until([&] { return owner->output.text.ends_with('\n'); });
  // The owner, the wrapper and the grandchild: the change of guardians killed none of them.
  while (processes_marked(marker).size() < 3) loop->run_once(0);
  kill_owner_and_expect_nothing_left(*owner, marker);
}

TEST_F(GuardianTest, ADaemonMayDieAtAnyInstantWhileItSpawns) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10; ++round) {
    const std::string marker = marker_of("instant") + "-" + std::to_string(round);
    const auto owner = start({"own-and-spawn", marker});
    const std::size_t count = 1 + random() % 40;
    run_until([&] { return owner->output.text.size() >= count; });
    kill_owner_and_expect_nothing_left(*owner, marker);
  }
}

TEST_F(GuardianTest, AChildStartedWhileTheGuardianIsDeadIsToldToTheNext) {
  const std::int32_t first = guardian->process_id();
  kill(first, SIGKILL);
  wait_for_end(first);
  const auto child = start({"idle"});
  EXPECT_EQ(guardian->groups(), 1U);
  EXPECT_NE(guardian->process_id(), first);
  EXPECT_FALSE(child->status.has_value());
}

TEST_F(GuardianTest, AGuardianThatLivesIsReplacedWithoutHarmToTheGroups) {
  const std::int32_t first = guardian->process_id();
  wait_until_isolated(first);
  WatchedChild child(spawner->spawn({"/bin/cat", {}, {}, "/"}).value());
  guardian->on_group_started(child.process->process_id(), Guardian::Registered::kNo);
  EXPECT_NE(guardian->process_id(), first);
  EXPECT_NE(kill(first, 0), 0) << "it is killed and reaped before its pipe is closed";
  child.process->standard_input().close();
  run_until_over(child);
  EXPECT_FALSE(child.status->by_signal);
}

TEST_F(GuardianTest, SaysSoWhenItCannotBeStarted) {
  const auto started = Guardian::start(*loop, {"/no/such/program", {}});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::kSpawnFailed);
}

TEST_F(GuardianTest, ItsEndKillsWhatIsLeft) {
  const std::string marker = marker_of("ended");
  auto child = start({"wrap", marker});
  while (processes_marked(marker).size() < 2) loop->run_once(0);
  const pid_t group = child->process->process_id();
  {
    auto other = Guardian::start(*loop, {kProgram, {"guardian"}}).value();
    other->on_group_started(group, Guardian::Registered::kYes);
  }
  run_until_over(*child);
  EXPECT_EQ(child->status->code, SIGKILL);
  wait_until_none_is_left(marker);
}

}  // namespace
}  // namespace mcpwire::io
