// SPDX-License-Identifier: MIT
#include "io/detail/child_clone.hpp"

#include "protocol/base/check.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

// clone(2) under the name that ThreadSanitizer does not replace: its own version refuses CLONE_VM.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __clone(int (*function)(void*), void* stack_end, int flags, void* argument, ...);

namespace mcpwire::io::detail {
namespace {

/// Shared between parent and child through the memory that both use.
struct CloneArguments {
  const ChildPlan* plan;
  long parent_id;
  ChildStep failed_step;
  int failed_errno;
  bool is_registered;
};

// The child runs on borrowed memory and thread-local storage: nothing in it may be instrumented by
// a sanitizer, intercepted, allocate or lock. So it makes raw system calls only.
#define MCPWIRE_CHILD_CODE \
  __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), noinline))

/// The layout of the kernel's sigaction differs by machine, all of it zero is SIG_DFL everywhere.
struct KernelSigaction {
  unsigned long handler;
  unsigned long rest[3];
};
// Constants, because initialising locals would call memset, which sanitizers replace.
constexpr KernelSigaction kDefaultAction{};
constexpr KernelSigaction kIgnoreAction{1, {}};
constexpr long kKernelSigsetBytes = 8;
constexpr int kLastSignal = 64;

MCPWIRE_CHILD_CODE void reset_signals() {
  // A SIGPIPE of the registration may be pending; only ignoring discards it.
  syscall(SYS_rt_sigaction, SIGPIPE, &kIgnoreAction, nullptr, kKernelSigsetBytes);
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    syscall(SYS_rt_sigaction, signal, &kDefaultAction, nullptr, kKernelSigsetBytes);
  }
}

/// Before anything can go wrong: from here on the guardian kills this group if we die.
MCPWIRE_CHILD_CODE void register_with_guardian(CloneArguments& shared) {
  const auto record = static_cast<GuardianRecord>(syscall(SYS_getpid));
  const long written = syscall(SYS_write, shared.plan->guardian_fd, &record, sizeof(record));
  shared.is_registered = written == static_cast<long>(sizeof(record));
}

// The daemon raises its own soft limit; a server that uses select() breaks with descriptors beyond
// 1,024. The hard limit stays: a server that wants more may take it.
MCPWIRE_CHILD_CODE void lower_open_files_limit() {
  constexpr unsigned long kConventionalLimit = 1024;
  unsigned long limit[2] = {};  // struct rlimit64 as the kernel has it: soft, hard
  if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, limit) != 0) return;
  if (limit[0] <= kConventionalLimit) return;
  limit[0] = kConventionalLimit;
  syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, nullptr);
}

MCPWIRE_CHILD_CODE bool set_limits(const ChildPlan& plan) {
  lower_open_files_limit();
  const ChildLimit* const limits = plan.limits.data();
  const std::size_t count = plan.limits.size();
  for (std::size_t at = 0; at < count; ++at) {
    unsigned long limit[2] = {};  // As above.
    if (syscall(SYS_prlimit64, 0, limits[at].resource, nullptr, limit) != 0) return false;
    if (limits[at].hard < limit[1]) limit[1] = limits[at].hard;
    limit[0] = limits[at].soft < limit[1] ? limits[at].soft : limit[1];
    if (syscall(SYS_prlimit64, 0, limits[at].resource, limit, nullptr) != 0) return false;
  }
  return true;
}

MCPWIRE_CHILD_CODE ChildStep prepare_and_execute(CloneArguments& shared) {
  const ChildPlan& plan = *shared.plan;
  syscall(SYS_setsid);
  if (plan.guardian_fd >= 0) register_with_guardian(shared);
  if (plan.dies_with_parent) {
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // The parent may have died before the line above: nobody would tell us any more.
    if (syscall(SYS_getppid) != shared.parent_id) return ChildStep::kParentGone;
  }
  reset_signals();
  for (int target = 0; target < 3; ++target) {
    const int source = plan.standard_streams[target];
    if (syscall(SYS_dup3, source, target, 0) < 0) return ChildStep::kStandardStreams;
  }
  if (syscall(SYS_chdir, plan.directory) < 0) return ChildStep::kDirectory;
  if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0) return ChildStep::kDescriptors;
  if (!set_limits(plan)) return ChildStep::kLimits;
  const unsigned long no_signals = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, kKernelSigsetBytes);
  syscall(SYS_execve, plan.program, plan.arguments, plan.environment);
  return ChildStep::kExecute;
}

MCPWIRE_CHILD_CODE int child_main(void* argument) {
  auto& shared = *static_cast<CloneArguments*>(argument);
  shared.failed_step = prepare_and_execute(shared);
  shared.failed_errno = errno;
  constexpr int kExitCodeOfShells = 127;
  syscall(SYS_exit_group, kExitCodeOfShells);
  __builtin_unreachable();
}

constexpr std::uint64_t kCloneFlags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;

/// clone3, which alone can begin a process in another cgroup: moving it there afterwards
/// (cgroup.procs) waits for all processors and takes up to 11 ms, measured. The C library has no
/// function for it, and one in C would return twice on the stack of the caller.
long clone_into_cgroup(clone_args& arguments, CloneArguments& shared) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jne 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"  // The child, on its own stack: here its frames end.
      "movq %[shared], %%rdi\n\t"
      "call *%[function]\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), [function] "r"(&child_main), [shared] "r"(&shared)
      : "rcx", "r11", "memory");
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
#else
  static_cast<void>(arguments);
  static_cast<void>(shared);
  errno = ENOSYS;
#endif
  return -1;
}

/// The child's stack; the lowest page is a guard.
class CloneStack {
 public:
  static constexpr std::size_t kBytes = std::size_t{64} << 10;
  static constexpr std::size_t kGuardBytes = 4096;

  CloneStack() noexcept
      : base_(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
                   -1, 0)) {
    if (base_ != MAP_FAILED) mprotect(base_, kGuardBytes, PROT_NONE);
  }
  ~CloneStack() {
    if (base_ != MAP_FAILED) munmap(base_, kBytes);
  }
  CloneStack(const CloneStack&) = delete;
  CloneStack& operator=(const CloneStack&) = delete;

  explicit operator bool() const noexcept { return base_ != MAP_FAILED; }
  void* base() const noexcept { return base_; }
  void* end() const noexcept { return static_cast<std::byte*>(base_) + kBytes; }

 private:
  void* base_;
};

/// -1 where the kernel refuses it; no process was made then.
int clone_in_cgroup(int cgroup_fd, const CloneStack& stack, CloneArguments& shared, int& pidfd) {
  clone_args arguments{};
  arguments.flags = kCloneFlags | CLONE_INTO_CGROUP;
  arguments.pidfd = std::bit_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = std::bit_cast<std::uintptr_t>(stack.base());
  arguments.stack_size = CloneStack::kBytes;
  arguments.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  return static_cast<int>(clone_into_cgroup(arguments, shared));
}

/// No handler of ours may run in the child, on the memory that it borrows.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Result<ClonedChild> clone_child(const ChildPlan& plan) {
  for (const int fd : plan.standard_streams) MCPWIRE_CHECK(fd >= 3);
  const CloneStack stack;
  if (!stack) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "mmap"));
  CloneArguments shared{&plan, getpid(), ChildStep::kExecuted, 0, false};
  int pidfd = -1;
  int process_id = -1;
  int clone_errno = 0;
  bool is_in_cgroup = false;
  {
    const BlockedSignals blocked;
    if (plan.cgroup_fd >= 0) {
      process_id = clone_in_cgroup(plan.cgroup_fd, stack, shared, pidfd);
      is_in_cgroup = process_id >= 0;
    }
    if (!is_in_cgroup) {
      process_id = __clone(child_main, stack.end(), static_cast<int>(kCloneFlags | SIGCHLD),
                           &shared, &pidfd);
    }
    clone_errno = errno;
  }
  if (process_id < 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, clone_errno, "clone"));
  }
  MCPWIRE_CHECK(pidfd >= 0);
  return ClonedChild{process_id,          UniqueFd(pidfd),      shared.failed_step,
                     shared.failed_errno, shared.is_registered, is_in_cgroup};
}

std::optional<ExitStatus> reap_child(int pidfd, ReapMode mode) noexcept {
  siginfo_t info{};
  const int flags = WEXITED | (mode == ReapMode::kTry ? WNOHANG : 0);
  int result = -1;
  do {
    result = waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, flags);
  } while (result < 0 && errno == EINTR);
  if (result < 0 || info.si_pid == 0) return std::nullopt;
  return ExitStatus{info.si_code != CLD_EXITED, info.si_status};
}

Result<UniqueFd> above_standard_streams(UniqueFd fd) {
  if (fd.get() >= 3) return fd;
  UniqueFd duplicate(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!duplicate) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "fcntl"));
  return duplicate;
}

Result<Pipe> create_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "pipe2"));
  }
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  Pipe pipe;
  pipe.read_end = TRY(above_standard_streams(std::move(read_end)));
  pipe.write_end = TRY(above_standard_streams(std::move(write_end)));
  return pipe;
}

}  // namespace mcpwire::io::detail
