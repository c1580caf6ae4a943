// SPDX-License-Identifier: MIT
#include "client/detail/daemon_spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string_view>
#include <vector>

namespace mcpwire::client::detail {
namespace {

constexpr int kReadyFdInDaemon = 3;
/// NAMEs that the daemon itself reads; LLVM_PROFILE_FILE so that its coverage can be measured.
constexpr std::array<std::string_view, 7> kDaemonVariables = {"PATH=",
                                                              "HOME=",
                                                              "TMPDIR=",
                                                              "XDG_RUNTIME_DIR=",
                                                              "XDG_STATE_HOME=",
                                                              "XDG_CONFIG_HOME=",
                                                              "LLVM_PROFILE_FILE="};

/// posix_spawn's attributes and actions, released together.
class SpawnPlan {
 public:
  SpawnPlan() noexcept {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// 0 or an errno.
  int prepare(int ready_fd) noexcept {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    const std::array<int, 9> results = {
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
        posix_spawnattr_setsigmask(&attributes, &none),
        posix_spawnattr_setsigdefault(&attributes, &all),
        // First, so that opening 0 to 2 below cannot overwrite it.
        posix_spawn_file_actions_adddup2(&actions, ready_fd, kReadyFdInDaemon),
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0),
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0),
        posix_spawn_file_actions_adddup2(&actions, 1, 2),
        posix_spawn_file_actions_addclosefrom_np(&actions, kReadyFdInDaemon + 1),
        posix_spawn_file_actions_addchdir_np(&actions, "/")};
    const auto failed = std::ranges::find_if(results, [](int result) { return result != 0; });
    return failed == results.end() ? 0 : *failed;
  }

  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

std::vector<char*> pointers_of(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string default_daemon_program() {
  std::array<char, PATH_MAX> self;
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  if (length > 0) {
    std::string path(self.data(), static_cast<std::size_t>(length));
    path.resize(path.rfind('/') + 1);
    path += "mcpwired";
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return "mcpwired";
}

std::vector<std::string> daemon_environment(const char* const* environment) {
  std::vector<std::string> kept;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    const auto begins = [entry](std::string_view name) { return entry.starts_with(name); };
    if (begins("MCPWIRE_") || std::ranges::any_of(kDaemonVariables, begins)) {
      kept.emplace_back(entry);
    }
  }
  return kept;
}

Result<pid_t> spawn_daemon(const std::string& program, const std::string& directory, int ready_fd) {
  SpawnPlan plan;
  if (const int error = plan.prepare(ready_fd); error != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, error, "posix_spawn"));
  }
  std::vector<std::string> arguments = {program, "--runtime-dir", directory, "--ready-fd",
                                        std::to_string(kReadyFdInDaemon)};
  std::vector<std::string> variables = daemon_environment(environ);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, program.c_str(), &plan.actions, &plan.attributes,
                                   pointers_of(arguments).data(), pointers_of(variables).data());
  if (error != 0) {
    Error failure =
        Error::from_errno(ErrorKind::kConfiguration, error, "cannot start the daemon " + program);
    failure.code = ErrorCode::kDaemonStartFailed;
    return fail(std::move(failure));
  }
  return child;
}

}  // namespace mcpwire::client::detail
