// SPDX-License-Identifier: MIT
#include "io/warden.hpp"

#include "io/guardian_main.hpp"
#include "protocol/base/system_clock.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

/// For the guardian, which has work of its own and then ends by itself.
constexpr std::uint64_t kGuardianPatienceNs = 3 * kNanosecondsPerSecond;
constexpr int kPauseMs = 2;

void let_go_of_everything() {
  prctl(PR_SET_NAME, "mcpwire-warden");
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP}) {
    std::signal(signal, SIG_IGN);
  }
  // Failing that, a file system stays busy; nothing else depends on it.
  static_cast<void>(chdir("/"));
  const int null_device = open("/dev/null", O_RDWR);
  for (int stream = 0; stream < 3; ++stream) dup2(null_device, stream);
  closefrom(3);
}

std::vector<pid_t> children() {
  const std::string own = std::to_string(getpid());
  std::ifstream file("/proc/self/task/" + own + "/children");
  std::vector<pid_t> found;
  for (pid_t child = 0; file >> child;) found.push_back(child);
  return found;
}

bool is_guardian(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  return std::getline(file, name) && name == kGuardianName;
}

void end(pid_t process) {
  const pid_t group = getpgid(process);
  if (group > 1 && group != getpgrp()) kill(-group, SIGKILL);
  kill(process, SIGKILL);
}

/// Where the daemon takes no strays itself, they come here while it lives.
void wait_for(pid_t daemon) {
  for (;;) {
    const pid_t ended = waitpid(-1, nullptr, 0);
    if (ended == daemon || (ended < 0 && errno != EINTR)) return;
  }
}

/// What is killed leaves its own children to us, so there may be several rounds.
[[noreturn]] void keep_watch(pid_t daemon) {
  let_go_of_everything();
  wait_for(daemon);
  const std::uint64_t until_ns = monotonic_now_ns() + kGuardianPatienceNs;
  for (;;) {
    for (const pid_t child : children()) {
      if (monotonic_now_ns() >= until_ns || !is_guardian(child)) end(child);
    }
    pid_t ended = 0;
    while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0) _exit(EXIT_SUCCESS);
    poll(nullptr, 0, kPauseMs);
  }
}

}  // namespace

Result<void> go_on_under_warden() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, errno, "PR_SET_CHILD_SUBREAPER"));
  }
  const pid_t daemon = fork();
  if (daemon < 0) return fail(Error::from_errno(ErrorKind::kInternal, errno, "fork"));
  if (daemon > 0) keep_watch(daemon);
  setsid();
  return {};
}

}  // namespace mcpwire::io
