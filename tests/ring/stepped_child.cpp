// SPDX-License-Identifier: MIT
#include "tests/ring/stepped_child.hpp"

#include "protocol/base/process_fd.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <string>

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mcpwire::ring {

#if defined(__x86_64__)

namespace {

/// What the child stops at before and after its operation: SIGTRAP and SIGILL. A single step is a
/// SIGTRAP too, so the end needs another.
void stop_before() { asm volatile("int3"); }
void stop_behind() { asm volatile("ud2"); }

constexpr long kSyscallInstruction = 0x050f;

}  // namespace

bool SteppedChild::is_possible() {
  static const bool possible = [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    return status == 0;
  }();
  return possible;
}

SteppedChild::SteppedChild(const std::function<void()>& operation) : pid_(::fork()) {
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    stop_before();
    operation();
    stop_behind();
    ::_exit(1);
  }
  EXPECT_GT(pid_, 0);
  pidfd_ = open_process(pid_);
  EXPECT_TRUE(pidfd_);
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
}

bool SteppedChild::is_before_poll() const {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
  if (registers.rax != SYS_ppoll && registers.rax != SYS_poll) return false;
  // Addresses are integers to ptrace().
  errno = 0;
  const long code = ::ptrace(PTRACE_PEEKTEXT, pid_, registers.rip, nullptr);
  return errno == 0 && (code & 0xffff) == kSyscallInstruction;
}

std::uint64_t SteppedChild::address() const {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
  return registers.rip;
}

/// In a debug register, so that the code stays as it is; 0 takes it away.
void SteppedChild::set_breakpoint(std::uint64_t address) const {
  constexpr std::uint64_t kLocalExecuteOne = 1;
  const auto poke = [&](int number, std::uint64_t value) {
    const std::size_t offset = offsetof(user, u_debugreg) + sizeof(long) * std::size_t(number);
    EXPECT_EQ(::ptrace(PTRACE_POKEUSER, pid_, offset, value), 0);
  };
  poke(7, 0);
  if (address == 0) return;
  poke(0, address);
  poke(7, kLocalExecuteOne);
}

SteppedChild::Step SteppedChild::run_to(std::uint64_t wanted, std::uint32_t times) {
  // A step first: where it is now is not one of the times.
  Step last = step();
  if (last == Step::kRan && address() == wanted) --times;
  if (times == 0) return last;
  set_breakpoint(wanted);
  for (; times != 0 && last == Step::kRan; --times) {
    ::ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
    last = awake();
  }
  if (last == Step::kRan) {
    set_breakpoint(0);
    EXPECT_EQ(address(), wanted);
  }
  return last;
}

SteppedChild::Step SteppedChild::step() {
  const bool may_sleep = is_before_poll();
  ::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr);
  return may_sleep ? wait_for_stop_or_sleep() : awake();
}

SteppedChild::Step SteppedChild::run_to_end() {
  ::ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
  return wait_for_stop_or_sleep();
}

SteppedChild::Step SteppedChild::wait_for_stop_or_sleep() {
  for (;;) {
    int status = 0;
    const pid_t stopped = ::waitpid(pid_, &status, WNOHANG);
    if (stopped < 0) return Step::kBroken;
    if (stopped == pid_) return understand(status);
    if (is_asleep()) return Step::kAsleep;
    ::sched_yield();
  }
}

SteppedChild::Step SteppedChild::awake() {
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return Step::kBroken;
  return understand(status);
}

SteppedChild::Step SteppedChild::understand(int status) {
  if (!WIFSTOPPED(status)) {
    pid_ = -1;
    return Step::kBroken;
  }
  if (WSTOPSIG(status) == SIGTRAP) return Step::kRan;
  return WSTOPSIG(status) == SIGILL ? Step::kEnded : Step::kBroken;
}

#else

bool SteppedChild::is_possible() { return false; }
SteppedChild::SteppedChild(const std::function<void()>&) {}
SteppedChild::Step SteppedChild::step() { return Step::kBroken; }
SteppedChild::Step SteppedChild::awake() { return Step::kBroken; }
SteppedChild::Step SteppedChild::run_to(std::uint64_t, std::uint32_t) { return Step::kBroken; }
SteppedChild::Step SteppedChild::run_to_end() { return Step::kBroken; }
std::uint64_t SteppedChild::address() const { return 0; }

#endif

/// Asleep in a system call, and not stopped in front of the next instruction.
bool SteppedChild::is_asleep() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] == 'S';
}

void SteppedChild::inherit(const void* base, std::size_t bytes) {
  EXPECT_EQ(::madvise(const_cast<void*>(base), bytes, MADV_DOFORK), 0);
}

void SteppedChild::kill() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int SteppedChild::reap() {
  int status = 0;
  if (pid_ <= 0) return -1;
  // A stop that was reported before the signal came may still be waiting to be fetched.
  do {
    if (::waitpid(pid_, &status, 0) != pid_) return -1;
  } while (WIFSTOPPED(status));
  pid_ = -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

SteppedChild::~SteppedChild() {
  if (pid_ <= 0) return;
  kill();
  reap();
}

}  // namespace mcpwire::ring
