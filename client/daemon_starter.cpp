// SPDX-License-Identifier: MIT
#include "client/daemon_starter.hpp"

#include "client/detail/interruption.hpp"
#include "protocol/base/process_fd.hpp"
#include "ring/control_socket.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <string_view>
#include <utility>

namespace mcpwire::client {
namespace {

constexpr int kReadyFdInDaemon = 3;
constexpr std::size_t kReadinessBytesMax = 4096;
constexpr std::size_t kLogTailBytes = 2048;
constexpr std::uint64_t kPauseMinNs = 1 * kNanosecondsPerMillisecond;
constexpr std::uint64_t kPauseMaxNs = 16 * kNanosecondsPerMillisecond;
/// Longest wait for a daemon whose backlog is full.
constexpr std::uint64_t kConnectNsMax = 60 * kNanosecondsPerSecond;
/// How long what we spawned gets to end by itself, once it has nothing more to do.
constexpr std::uint64_t kExitGraceNs = 1 * kNanosecondsPerSecond;

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

/// mcpwired beside the own executable, or its bare name, which is then looked for in PATH.
std::string default_program() {
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

Failure start_failed(const ring::RuntimeDirectory& directory, std::string text) {
  if (const std::string tail = directory.log_tail(kLogTailBytes); !tail.empty()) {
    text += "; end of " + directory.log_path() + ":\n" + tail;
  }
  return fail(ErrorKind::kInternal, ErrorCode::kDaemonStartFailed, std::move(text));
}

Result<pid_t> spawn(const std::string& program, const std::string& directory, int ready_fd) {
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

/// What the daemon wrote before it closed the pipe or said a whole line.
Result<std::string> read_readiness(int fd, const StartOptions& options) {
  std::string text;
  std::array<char, 512> chunk;
  while (text.find('\n') == std::string::npos && text.size() < kReadinessBytesMax) {
    switch (detail::wait_readable(fd, options.deadline_ns, options.interrupt)) {
      case detail::WaitEnd::kReady:
        break;
      case detail::WaitEnd::kTimeout:
        return fail(ErrorKind::kTimeout, ErrorCode::kDaemonStartFailed,
                    "the daemon did not get ready in time");
      case detail::WaitEnd::kInterrupted:
        return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

enum class Reluctant : std::uint8_t { kKill, kLeave };

/// Reaps what we spawned, which is not the daemon but what starts it and leaves it to itself; a
/// daemon that gets ready for nobody ends on its own. `reluctant`: what becomes of a child that
/// does not end within `grace_ns`.
void reap(pid_t child, std::uint64_t grace_ns, Reluctant reluctant) noexcept {
  const UniqueFd process = open_process(child);
  if (!process || !wait_for_process_end(process, grace_ns)) {
    if (reluctant == Reluctant::kLeave) return;
    ::kill(child, SIGKILL);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Error unreachable(const ring::RuntimeDirectory& directory, std::string_view why) {
  return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kDaemonUnreachable,
                            "no daemon at " + directory.socket_path() + ": " + std::string(why));
}

/// A connected socket, or nothing where no daemon listens.
Result<std::optional<UniqueFd>> try_connect(const ring::RuntimeDirectory& directory,
                                            const StartOptions& options) {
  const std::uint64_t now = monotonic_now_ns();
  const std::uint64_t left = options.deadline_ns > now ? options.deadline_ns - now : 0;
  Result<UniqueFd> fd =
      ring::connect_control_blocking(directory.socket_path(), std::min(left, kConnectNsMax));
  if (fd) return std::optional<UniqueFd>(std::move(*fd));
  const int error = fd.error().os_errno;
  if (error == ENOENT || error == ECONNREFUSED || error == ECONNRESET) {
    return std::optional<UniqueFd>();
  }
  return fail(std::move(fd).error());
}

/// Starts the daemon if no other client is at it. True: it listens now.
Result<bool> try_start(const ring::RuntimeDirectory& directory, const StartOptions& options) {
  const std::optional<UniqueFd> lock = TRY(directory.try_lock_start());
  if (!lock) return false;
  // Whoever held the lock before us may have started it.
  if (TRY(try_connect(directory, options)).has_value()) return true;
  TRY(start_daemon(directory, options));
  return true;
}

}  // namespace

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

Result<void> start_daemon(const ring::RuntimeDirectory& directory, const StartOptions& options) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "pipe"));
  }
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const std::string program =
      options.daemon_program.empty() ? default_program() : options.daemon_program;
  const pid_t child = TRY(spawn(program, directory.path(), write_end.get()));
  write_end.reset();
  Result<std::string> said = read_readiness(read_end.get(), options);
  if (!said) {
    reap(child, 0, Reluctant::kKill);
    return fail(std::move(said).error());
  }
  if (said->starts_with("ready")) {
    // The daemon may be faster than the exit of what started it. An embedding program that lives
    // long keeps no zombie of that; another program than ours, which does not leave, is let be.
    reap(child, kExitGraceNs, Reluctant::kLeave);
    return {};
  }
  reap(child, kExitGraceNs, Reluctant::kKill);
  constexpr std::string_view kErrorPrefix = "error: ";
  if (said->starts_with(kErrorPrefix)) {
    std::string text = said->substr(kErrorPrefix.size());
    while (text.ends_with('\n')) text.pop_back();
    return fail(ErrorKind::kConfiguration, ErrorCode::kDaemonStartFailed,
                "the daemon could not start: " + text);
  }
  return start_failed(directory, "the daemon " + program + " ended before it was ready");
}

Result<UniqueFd> reach_daemon(const ring::RuntimeDirectory& directory,
                              const StartOptions& options) {
  std::uint64_t pause_ns = kPauseMinNs;
  for (;;) {
    std::optional<UniqueFd> fd = TRY(try_connect(directory, options));
    if (fd) return std::move(*fd);
    if (options.auto_start == AutoStart::kNo) return fail(unreachable(directory, "none runs"));
    if (TRY(try_start(directory, options))) continue;
    // Another client is starting it. Its lock cannot be waited for with a deadline, and the socket
    // is usable before the lock is free.
    const std::uint64_t now = monotonic_now_ns();
    if (now >= options.deadline_ns) return fail(unreachable(directory, "its start takes too long"));
    const std::uint64_t until = std::min(options.deadline_ns, now + pause_ns);
    if (detail::wait_readable(-1, until, options.interrupt) == detail::WaitEnd::kInterrupted) {
      return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
    pause_ns = std::min(2 * pause_ns, kPauseMaxNs);
  }
}

}  // namespace mcpwire::client
