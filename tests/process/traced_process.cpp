// SPDX-License-Identifier: MIT
#include "tests/process/traced_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_feature(address_sanitizer)
// A leak check stops the process with ptrace() itself.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace mcpwire::test {
namespace {

// What follows glibc's declaration is the kernel's: an enum there, a number here.
constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
constexpr int kSystemCallStop = SIGTRAP | 0x80;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

char state_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? 'X' : stat[name_end + 2];
}

}  // namespace

bool TracedProcess::is_possible() {
  static const bool possible = [] {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) ::pause();
    }
    const bool seized = ::ptrace(PTRACE_SEIZE, child, nullptr, kOptions) == 0;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return seized;
  }();
  return possible;
}

TracedProcess::TracedProcess(pid_t process) : process_(process) {
  EXPECT_EQ(::ptrace(PTRACE_SEIZE, process_, nullptr, kOptions), 0);
  EXPECT_EQ(::ptrace(PTRACE_INTERRUPT, process_, nullptr, nullptr), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(process_, &status, __WALL), process_);
  EXPECT_TRUE(WIFSTOPPED(status));
  is_held_ = true;
}

TracedProcess::TracedProcess(const std::vector<std::string>& words,
                             const std::map<std::string, std::string>& environment,
                             const std::string& directory)
    : is_started_here_(true) {
  std::vector<std::string> arguments = words;
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + '=' + value);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(variables);
  process_ = ::fork();
  if (process_ == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) ::dup2(nowhere, fd);
    if (::chdir(directory.c_str()) != 0) ::_exit(126);
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(process_, &status, 0), process_);
  EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
  EXPECT_EQ(::ptrace(PTRACE_SETOPTIONS, process_, nullptr, kOptions), 0);
  is_held_ = true;
}

TracedProcess::~TracedProcess() {
  if (process_ <= 0) return;
  if (is_started_here_) kill();
  if (is_held_) ::ptrace(PTRACE_DETACH, process_, nullptr, signal_to_deliver_);
}

bool TracedProcess::go(int request) {
  if (request == PTRACE_SYSCALL) {
    ::ptrace(PTRACE_SYSCALL, process_, nullptr, signal_to_deliver_);
  } else {
    ::ptrace(PTRACE_SINGLESTEP, process_, nullptr, signal_to_deliver_);
  }
  int status = 0;
  const pid_t stopped = ::waitpid(process_, &status, __WALL);
  if (stopped != process_ || !WIFSTOPPED(status)) {
    is_held_ = false;
    process_ = -1;
    return false;
  }
  const int stop = WSTOPSIG(status);
  const bool is_ours = stop == kSystemCallStop || stop == SIGTRAP || (status >> 16) != 0;
  signal_to_deliver_ = is_ours ? 0 : stop;
  return true;
}

bool TracedProcess::run_to_system_call() { return go(PTRACE_SYSCALL); }
bool TracedProcess::step() { return go(PTRACE_SINGLESTEP); }

void TracedProcess::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  // The kernel lets it run into its end; nothing is left to let go of.
  int status = 0;
  while (::waitpid(process_, &status, __WALL) == process_ && WIFSTOPPED(status)) {
  }
  is_held_ = false;
  process_ = -1;
}

void TracedProcess::stop_and_let_go() {
  ::kill(process_, SIGSTOP);
  ::ptrace(PTRACE_DETACH, process_, nullptr, 0);
  is_held_ = false;
  while (state_of(process_) != 'T') {
  }
}

}  // namespace mcpwire::test
