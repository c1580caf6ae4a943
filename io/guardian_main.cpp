// SPDX-License-Identifier: MIT
#include "io/guardian_main.hpp"

#include "io/cgroup_tree.hpp"
#include "io/detail/child_clone.hpp"
#include "protocol/base/seams/clock.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace mcpwire::io {
namespace {

using detail::GuardianRecord;

constexpr int kPipe = 3;
/// Until what was killed is gone and its cgroup can be removed.
constexpr std::uint64_t kCgroupPatienceNs = 2 * kNanosecondsPerSecond;

/// Leaves nothing of the caller in this process. Returns false if the pipe is not usable.
bool isolate(int pipe_fd) {
  prctl(PR_SET_NAME, kGuardianName);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP}) {
    std::signal(signal, SIG_IGN);
  }
  // Fails where this process leads its session already.
  setsid();
  if (chdir("/") != 0) return false;
  if (pipe_fd != kPipe && dup2(pipe_fd, kPipe) < 0) return false;
  const int null_device = open("/dev/null", O_RDWR);
  if (null_device < 0) return false;
  for (int stream = 0; stream < 3; ++stream) dup2(null_device, stream);
  syscall(SYS_close_range, kPipe + 1U, ~0U, 0U);
  return true;
}

class Groups {
 public:
  void apply(GuardianRecord record) {
    if (record > 1) {
      ids_.push_back(record);
    } else if (record < -1) {
      std::erase(ids_, -record);
    }
  }
  void kill_all() const {
    for (const GuardianRecord id : ids_) kill(-id, SIGKILL);
  }

 private:
  std::vector<GuardianRecord> ids_;
};

}  // namespace

int guardian_main(int pipe_fd, const std::string& cgroups) {
  if (!isolate(pipe_fd)) return EXIT_FAILURE;
  Groups groups;
  std::array<GuardianRecord, 1024> records{};
  for (;;) {
    const ssize_t bytes = read(kPipe, records.data(), sizeof(records));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    // Records are written in one piece each and the buffer holds a whole number of them.
    const std::size_t count = static_cast<std::size_t>(bytes) / sizeof(GuardianRecord);
    std::for_each_n(records.begin(), count, [&](GuardianRecord record) { groups.apply(record); });
  }
  groups.kill_all();
  end_cgroups_blocking(cgroups, kCgroupPatienceNs);
  return EXIT_SUCCESS;
}

}  // namespace mcpwire::io
