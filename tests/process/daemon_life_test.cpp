// SPDX-License-Identifier: MIT
//
// The life of the daemon: how it starts, what it shares, what changes under it, how it ends.
#include "tests/process/daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DaemonLifeTest : public DaemonFixture {
 protected:
  /// What starts a daemon with arguments of its own.
  pid_t spawn_starter(std::vector<std::string> arguments, int ready_fd) {
    arguments.insert(arguments.begin(), {program("mcpwired"), "--runtime-dir", run_directory(),
                                         "--ready-fd", std::to_string(ready_fd)});
    const std::vector<char*> words = pointers_to(arguments);
    const pid_t starter = ::vfork();
    if (starter == 0) {
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    return starter;
  }

  static std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  /// Becomes mcpwired with the largest environment that leaves it no room for one more argument.
  [[noreturn]] void become_starter_that_cannot_start(int ready_fd) {
    constexpr std::size_t kArgumentBytesMax = 128 * 1024;  // Of all together, with this stack:
    const rlimit stack{4 * kArgumentBytesMax, 4 * kArgumentBytesMax};
    ::setrlimit(RLIMIT_STACK, &stack);
    std::vector<std::string> arguments = {"mcpwired", "--runtime-dir", run_directory(),
                                          "--ready-fd", std::to_string(ready_fd)};
    std::vector<std::string> variables = {std::string(kArgumentBytesMax / 2, 'a'),
                                          std::string(kArgumentBytesMax / 2, 'b')};
    if (::chdir(MCPWIRE_BIN_DIRECTORY) != 0) ::_exit(126);
    for (; !variables[1].empty(); variables[1].pop_back()) {
      ::execve("./mcpwired", pointers_to(arguments).data(), pointers_to(variables).data());
    }
    ::_exit(127);
  }

  /// A daemon with arguments of its own; it is ready when this returns.
  void start_daemon(std::vector<std::string> arguments) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t starter = spawn_starter(std::move(arguments), ready[1]);
    ::close(ready[1]);
    char answer[64] = {};
    ASSERT_GT(::read(ready[0], answer, sizeof answer - 1), 0);
    ::close(ready[0]);
    ASSERT_STREQ(answer, "ready\n");
    ASSERT_EQ(::waitpid(starter, nullptr, 0), starter) << "it leaves the daemon to itself";
  }
};

TEST_F(DaemonLifeTest, AHundredCommandsOnAColdMachineStartOneDaemon) {
  use_demo_server();
  std::vector<std::unique_ptr<RunningProgram>> commands;
  for (int count = 0; count < 100; ++count) {
    commands.push_back(std::unique_ptr<RunningProgram>(
        new RunningProgram(start({"call", "demo/echo", R"({"message":"hi"})"}, {}))));
  }
  for (const auto& command : commands) {
    command->close_input();
    const Finished finished = command->finish();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(finished.out, "hi\n");
  }
  const std::string text = log();
  EXPECT_EQ(text.find(" serves /"), text.rfind(" serves /")) << text;
  EXPECT_EQ(children_like(daemon_pid(), "mcpwire-demo-server").size(), 1U);
}

TEST_F(DaemonLifeTest, ADaemonThatACommandStartedHoldsNothingOfIt) {
  use_demo_server();
  // finish() reads to the end of both outputs: it would hang if the daemon held one of them.
  EXPECT_EQ(run({"list"}).exit_code, 0);
  const pid_t daemon = daemon_pid();
  ASSERT_GT(daemon, 0);
  const std::string process = "/proc/" + std::to_string(daemon);
  EXPECT_EQ(std::filesystem::read_symlink(process + "/cwd"), "/");
  EXPECT_EQ(::getsid(daemon), daemon);
  for (const char* const name : {"/fd/0", "/fd/1", "/fd/2"}) {
    EXPECT_EQ(std::filesystem::read_symlink(process + name), "/dev/null");
  }
}

TEST_F(DaemonLifeTest, AStaleSocketIsReplaced) {
  use_demo_server();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = run_directory() + "/daemon.sock";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  const UniqueFd dead(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 0) << call.err;
}

TEST_F(DaemonLifeTest, ARuntimePathThatIsTooLongIsRefusedWithTheNumbers) {
  environment["MCPWIRE_RUNTIME_DIR"] = work() + "/" + std::string(120, 'd');
  const Finished status = run({"ping"});
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_THAT(status.err, HasSubstr("107"));
}

TEST_F(DaemonLifeTest, ARuntimeDirectoryThatOthersMayEnterIsRefused) {
  std::filesystem::permissions(run_directory(), std::filesystem::perms(0755));
  const Finished status = run({"ping"});
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_THAT(status.err, HasSubstr(run_directory()));
  std::filesystem::permissions(run_directory(), std::filesystem::perms(0700));
}

TEST_F(DaemonLifeTest, AFullDiskForTheLogStopsNothing) {
  std::filesystem::create_symlink("/dev/full", run_directory() + "/daemon.log");
  use_demo_server();
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
}

TEST_F(DaemonLifeTest, ConfigurationsShareWhatIsTheSameAndKeepApartWhatIsNot) {
  const auto configuration = [&](const std::string& name, const std::string& value) {
    const std::string path = work() + "/" + name;
    write_file(path, R"({"mcpServers":{")" + name + R"(":{"command":")" + demo_server() +
                         R"(","env":{"WHO":")" + value + R"("},"cwd":"/"}}})");
    return path;
  };
  const std::string first = configuration("first", "same");
  const std::string second = configuration("second", "same");
  const std::string third = configuration("third", "other");
  EXPECT_EQ(run({"-c", first, "call", "first/add", R"({"a":1,"b":1})"}).out, "2\n");
  EXPECT_EQ(run({"-c", second, "call", "second/add", R"({"a":1,"b":2})"}).out, "3\n");
  EXPECT_EQ(children_like(daemon_pid(), "mcpwire-demo-server").size(), 1U);
  EXPECT_EQ(run({"-c", third, "call", "third/add", R"({"a":1,"b":3})"}).out, "4\n");
  EXPECT_EQ(children_like(daemon_pid(), "mcpwire-demo-server").size(), 2U);
}

TEST_F(DaemonLifeTest, AChangedConfigurationTakesEffectOnTheNextCommandAndKillsNoCall) {
  use_demo_server();
  RunningProgram slow = start({"call", "demo/sleep", R"({"ms":5000})"}, {});
  while (run({"daemon", "status", "--json"}).out.find("\"calls\":1") == std::string::npos) {
  }
  use_server(demo_server(), R"("env":{"MCPWIRE_DEMO_PAGE_SIZE":"2"})");
  EXPECT_EQ(echo("new").out, "new\n");
  const pid_t daemon = daemon_pid();
  EXPECT_EQ(children_like(daemon, "mcpwire-demo-server").size(), 2U);
  slow.close_input();
  EXPECT_EQ(slow.finish().exit_code, 0);
  // The old server has no call left and no configuration: it is stopped.
  while (children_like(daemon, "mcpwire-demo-server").size() != 1U) {
  }
}

TEST_F(DaemonLifeTest, AnIdleDaemonStopsItsServersAndThenItself) {
  start_daemon({"--server-idle", "0.2", "--daemon-idle", "0.5"});
  use_demo_server();
  const pid_t daemon = daemon_pid();
  const UniqueFd process = open_process(daemon);
  EXPECT_EQ(echo().exit_code, 0);
  EXPECT_TRUE(wait_for_process_end(process, kPatienceNs));
  EXPECT_TRUE(children_of(daemon).empty());
  EXPECT_FALSE(std::filesystem::exists(run_directory() + "/daemon.sock"));
  EXPECT_THAT(log(), HasSubstr("shutting down: idle"));
}

TEST_F(DaemonLifeTest, ASignalStopsTheServersAndLeavesNothingBehind) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  const std::vector<pid_t> children = children_of(daemon);
  EXPECT_EQ(children.size(), 2U) << "guardian and server";
  const UniqueFd process = open_process(daemon);
  ASSERT_EQ(::kill(daemon, SIGTERM), 0);
  ASSERT_TRUE(wait_for_process_end(process, kPatienceNs));
  for (const pid_t child : children) {
    EXPECT_TRUE(!is_running(child) || wait_for_process_end(open_process(child), kPatienceNs));
  }
  EXPECT_FALSE(std::filesystem::exists(run_directory() + "/daemon.sock"));
  EXPECT_EQ(echo().exit_code, 0) << "the next command starts a new one";
}

TEST_F(DaemonLifeTest, ADaemonThatNobodyWaitsForAnyMoreEndsAtOnce) {
  int ready[2];
  int life[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe2(life, O_CLOEXEC), 0);
  ::close(ready[0]);
  const int held_by_the_daemon = ::dup(life[1]);  // Not closed on exec: inherited.
  const pid_t starter = spawn_starter({"--daemon-idle", "3600"}, ready[1]);
  for (const int fd : {ready[1], life[1], held_by_the_daemon}) ::close(fd);
  const UniqueFd end_of_life(life[0]);  // Readable once the last holder has ended.
  EXPECT_EQ(::waitpid(starter, nullptr, 0), starter);
  EXPECT_TRUE(wait_for_process_end(end_of_life, kPatienceNs)) << "it still runs";
  EXPECT_THAT(log(), HasSubstr("mcpwired ends"));
  EXPECT_FALSE(std::filesystem::exists(run_directory() + "/daemon.sock"));
}

TEST_F(DaemonLifeTest, AStarterThatCannotStartTheDaemonSaysWhy) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t starter = ::fork();
  if (starter == 0) become_starter_that_cannot_start(ready[1]);
  ::close(ready[1]);
  char answer[256] = {};
  EXPECT_GT(::read(ready[0], answer, sizeof answer - 1), 0);
  ::close(ready[0]);
  EXPECT_EQ(::waitpid(starter, nullptr, 0), starter);
  EXPECT_THAT(answer, ::testing::StartsWith("error: "));
  EXPECT_THAT(answer, HasSubstr(std::strerror(E2BIG)));
}

TEST_F(DaemonLifeTest, ASecondDaemonIsRefusedWhileOneServes) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  int error[2];
  ASSERT_EQ(::pipe(error), 0);
  // Made here: what the child allocates would be lost to both.
  const std::string path = program("mcpwired");
  const std::string directory = run_directory();
  const pid_t second = ::vfork();
  if (second == 0) {
    ::dup2(error[1], STDERR_FILENO);
    ::execl(path.c_str(), "mcpwired", "--runtime-dir", directory.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(error[1]);
  char text[256] = {};
  EXPECT_GT(::read(error[0], text, sizeof text - 1), 0);
  ::close(error[0]);
  ASSERT_EQ(::waitpid(second, nullptr, 0), second);
  EXPECT_THAT(text, HasSubstr("another mcpwired"));
  EXPECT_EQ(daemon_pid(), daemon);
}

}  // namespace
}  // namespace mcpwire::test
