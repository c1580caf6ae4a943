// SPDX-License-Identifier: MIT
//
// What the tests with real processes share: a loop, a guardian, a spawner, and eyes on /proc.
#pragma once

#include "io/guardian.hpp"
#include "io/loop.hpp"
#include "io/process_spawner.hpp"
#include "io/signal_watcher.hpp"
#include "protocol/base/process_fd.hpp"
#include "tests/io/chosen_loop.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

/// A child with everything that it said.
struct WatchedChild final : ChildProcess::ExitObserver {
  struct Output final : ByteReader::Sink {
    void on_bytes(ByteSpan bytes) override {
      total += bytes.size();
      if (text.size() < kKept) text += as_text(bytes);
    }
    void on_read_end(const Error&) override { has_ended = true; }
    static constexpr std::size_t kKept = 1 << 20;
    std::string text;
    std::size_t total = 0;
    bool has_ended = false;
  };

  explicit WatchedChild(std::unique_ptr<ChildProcess> child) : process(std::move(child)) {
    process->observe_exit(*this);
    process->standard_output().start(output);
    process->standard_error().start(error_output);
  }
  void on_exit(ExitStatus exit_status) override {
    ++exits;
    status = exit_status;
  }
  bool is_over() const { return status && output.has_ended && error_output.has_ended; }

  Output output;
  Output error_output;
  std::optional<ExitStatus> status;
  int exits = 0;
  std::unique_ptr<ChildProcess> process;
};

class ProcessTest : public testing::Test {
 protected:
  static constexpr const char* kProgram = MCPWIRE_IO_TEST_PROGRAM;

  void SetUp() override {
    ignore_write_signals();
    loop = create_chosen_loop().value();
    guardian = Guardian::start(*loop, {kProgram, {"guardian"}}).value();
    spawner = std::make_unique<UringProcessSpawner>(*loop, *guardian);
  }
  void TearDown() override {
    spawner.reset();
    guardian.reset();
    loop.reset();
    siginfo_t info{};
    const int found = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    EXPECT_TRUE(found < 0 || info.si_pid == 0) << "a zombie is left: " << info.si_pid;
  }

  Result<std::unique_ptr<ChildProcess>> spawn(std::vector<std::string> arguments) {
    return spawner->spawn({kProgram, std::move(arguments), {"A=1", "B=two words"}, "/usr"});
  }
  std::unique_ptr<WatchedChild> start(std::vector<std::string> arguments) {
    return std::make_unique<WatchedChild>(spawn(std::move(arguments)).value());
  }
  /// Turns the loop until `done`; CTest's time limit is the watchdog.
  template <class Done>
  void run_until(Done done) {
    while (!done()) loop->run_once(kNanosecondsPerSecond);
  }
  void run_until_over(const WatchedChild& child) {
    run_until([&] { return child.is_over(); });
  }

  static std::string read_file(const std::string& path) {
    // Not by stream iterators: they throw when the process behind a file of /proc has just gone.
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  /// Processes that run and have `marker` among their arguments. Zombies have none.
  static std::vector<pid_t> processes_marked(const std::string& marker) {
    std::vector<pid_t> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      if (read_file(entry.path() / "cmdline").find(marker) == std::string::npos) continue;
      found.push_back(std::stoi(name));
    }
    std::erase(found, getpid());
    return found;
  }

  /// Waits for the end of a process that is not our child.
  static void wait_for_end(pid_t process) {
    const UniqueFd pidfd = open_process(process);
    while (pidfd && !wait_for_process_end(pidfd, kNever)) {
    }
  }
  static void wait_until_none_is_left(const std::string& marker) {
    for (;;) {
      const std::vector<pid_t> left = processes_marked(marker);
      if (left.empty()) return;
      wait_for_end(left.front());
    }
  }
  static std::string marker_of(std::string_view test) {
    return "mcpwire-test-" + std::string(test) + "-" + std::to_string(getpid());
  }
  static std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  std::unique_ptr<Loop> loop;
  std::unique_ptr<Guardian> guardian;
  std::unique_ptr<UringProcessSpawner> spawner;
};

}  // namespace mcpwire::io
