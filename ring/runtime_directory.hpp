// SPDX-License-Identifier: MIT
//
// RuntimeDirectory: the private folder in which a user's daemon and its clients meet. It is made
// with mode 0700 and used only after owner, type and mode were checked through its descriptor, so
// nobody else can put a socket of theirs where we look for the daemon.
//
// Threading: a value; move it to hand ownership over.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::ring {

/// What a Unix socket address can hold besides the terminating NUL.
inline constexpr std::size_t kSocketPathBytesMax = 107;

/// The environment that decides where the runtime directory is. Null: not set.
struct RuntimeEnvironment {
  const char* mcpwire_runtime_dir = nullptr;
  const char* xdg_runtime_dir = nullptr;
  const char* tmpdir = nullptr;
  std::uint32_t uid = 0;

  /// Of the calling process.
  static RuntimeEnvironment current() noexcept;
};

/// The path that the rules give, in this order: $MCPWIRE_RUNTIME_DIR; $XDG_RUNTIME_DIR/mcpwire;
/// /run/user/<uid>/mcpwire; <temporary directory>/mcpwire-<uid>. A parent that does not exist or is
/// another user's (as after `su`) is passed over. Always absolute.
std::string runtime_directory_path(const RuntimeEnvironment& environment);

class RuntimeDirectory {
 public:
  /// Makes the directory (one level, mode 0700) if it is missing, opens it without following a
  /// symbolic link and checks it. kRuntimeDirUnsafe names path and reason, kRuntimePathTooLong the
  /// bytes; kSystemCall otherwise.
  static Result<RuntimeDirectory> open(std::string path);

  /// The directory that the calling process's environment leads to.
  static Result<RuntimeDirectory> resolve();

  const std::string& path() const noexcept { return path_; }
  int fd() const noexcept { return fd_.get(); }

  std::string socket_path() const { return path_ + "/daemon.sock"; }
  std::string log_path() const { return path_ + "/daemon.log"; }

  /// Held by the daemon for life: whoever has it may replace a stale socket.
  Result<std::optional<UniqueFd>> try_lock_daemon() const { return try_lock(kDaemonLockName); }
  /// Held by the one client that is starting the daemon.
  Result<std::optional<UniqueFd>> try_lock_start() const { return try_lock("start.lock"); }

  /// The process that holds the daemon's lock; nothing if nobody does, 0 where it has not said who
  /// it is. For people and for waiting: the number is what the holder wrote into the file.
  std::optional<std::int32_t> daemon_process() const;

  /// The last whole lines of daemon.log, at most `bytes_max`; empty if there is none.
  std::string log_tail(std::size_t bytes_max) const;

 private:
  RuntimeDirectory(std::string path, UniqueFd fd) noexcept
      : path_(std::move(path)), fd_(std::move(fd)) {}
  static constexpr const char* kDaemonLockName = "daemon.lock";
  Result<std::optional<UniqueFd>> try_lock(const char* name) const;

  std::string path_;
  UniqueFd fd_;
};

}  // namespace mcpwire::ring
