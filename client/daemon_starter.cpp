// SPDX-License-Identifier: MIT
#include "client/daemon_starter.hpp"

#include "client/detail/daemon_spawn.hpp"
#include "client/detail/interruption.hpp"
#include "protocol/base/process_fd.hpp"
#include "ring/control_socket.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

namespace mcpwire::client {
namespace {

constexpr std::size_t kReadinessBytesMax = 4096;
constexpr std::size_t kLogTailBytes = 2048;
/// A daemon may be killed while it starts, and nothing has happened then; one that always ends is
/// not started for ever.
constexpr int kStartsMax = 3;
constexpr std::uint64_t kPauseMinNs = 1 * kNanosecondsPerMillisecond;
constexpr std::uint64_t kPauseMaxNs = 16 * kNanosecondsPerMillisecond;
/// Longest wait for a daemon whose backlog is full.
constexpr std::uint64_t kConnectNsMax = 60 * kNanosecondsPerSecond;
/// How long what we spawned gets to end by itself, once it has nothing more to do.
constexpr std::uint64_t kExitGraceNs = 1 * kNanosecondsPerSecond;

Failure start_failed(const ring::RuntimeDirectory& directory, std::string text) {
  if (const std::string tail = directory.log_tail(kLogTailBytes); !tail.empty()) {
    text += "; end of " + directory.log_path() + ":\n" + tail;
  }
  return fail(ErrorKind::kInternal, ErrorCode::kDaemonStartFailed, std::move(text));
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

std::string name_of_daemon(const ring::RuntimeDirectory& directory) {
  const std::int32_t process_id = directory.daemon_process().value_or(0);
  return process_id > 0 ? "mcpwired (pid " + std::to_string(process_id) + ")" : "mcpwired";
}

Error silent(const ring::RuntimeDirectory& directory, std::string_view why) {
  return Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDaemonUnreachable,
                            name_of_daemon(directory) + " runs, but " + std::string(why));
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
  if (fd.error().kind == ErrorKind::kTimeout) {
    return fail(silent(directory, "takes no connection (is it stopped?)"));
  }
  return fail(std::move(fd).error());
}

/// Starts the daemon if nobody else is at it. True: it listens now, or did.
Result<bool> try_start(const ring::RuntimeDirectory& directory, const StartOptions& options) {
  const std::optional<UniqueFd> lock = TRY(directory.try_lock_start());
  if (!lock) return false;
  // Whoever held the lock before us may have started it, and may be no client but a person.
  if (TRY(try_connect(directory, options)).has_value()) return true;
  if (directory.daemon_process().has_value()) return false;
  for (int attempt = 1;; ++attempt) {
    const Result<void> started = start_daemon(directory, options);
    if (started) return true;
    // Somebody else's daemon was faster.
    if (started.error().kind == ErrorKind::kOverloaded) return false;
    const bool was_killed = started.error().kind == ErrorKind::kInternal &&
                            started.error().code == ErrorCode::kDaemonStartFailed;
    if (!was_killed || attempt == kStartsMax) return fail(started.error());
  }
}

/// What is to be said where nothing was reached in time.
Error too_late(const ring::RuntimeDirectory& directory) {
  if (directory.daemon_process().has_value()) {
    return silent(directory, "does not listen at " + directory.socket_path());
  }
  return Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDaemonStartFailed,
                            "the start of the daemon takes too long");
}

}  // namespace

Result<void> start_daemon(const ring::RuntimeDirectory& directory, const StartOptions& options) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "pipe"));
  }
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const std::string program =
      options.daemon_program.empty() ? detail::default_daemon_program() : options.daemon_program;
  const pid_t child = TRY(detail::spawn_daemon(program, directory.path(), write_end.get()));
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
  if (said->starts_with("busy")) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kDaemonStartFailed, "another mcpwired serves");
  }
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
    const bool may_start = options.auto_start == AutoStart::kYes;
    // One that holds the lock and does not listen is starting, ending, or about to listen anew
    // because its socket was removed.
    const bool runs = directory.daemon_process().has_value();
    if (!runs && !may_start) return fail(unreachable(directory, "none runs"));
    if (!runs && TRY(try_start(directory, options))) continue;
    // Neither its lock nor a starter's can be waited for with a deadline, and the socket is usable
    // before a starter's is free.
    const std::uint64_t now = monotonic_now_ns();
    if (now >= options.deadline_ns) return fail(too_late(directory));
    const std::uint64_t until = std::min(options.deadline_ns, now + pause_ns);
    if (detail::wait_readable(-1, until, options.interrupt) == detail::WaitEnd::kInterrupted) {
      return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
    pause_ns = std::min(2 * pause_ns, kPauseMaxNs);
  }
}

}  // namespace mcpwire::client
