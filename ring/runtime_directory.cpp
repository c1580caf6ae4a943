// SPDX-License-Identifier: MIT
#include "ring/runtime_directory.hpp"

#include "protocol/base/check.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace mcpwire::ring {
namespace {

constexpr std::string_view kSocketName = "/daemon.sock";

bool is_set(const char* value) noexcept { return value != nullptr && *value != '\0'; }

bool is_own_directory(const std::string& path, std::uint32_t uid) noexcept {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == uid;
}

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// The daemon runs in another directory than its clients: a relative path would split them.
std::string absolute(std::string path) {
  if (path.starts_with('/')) return without_trailing_slashes(std::move(path));
  char current[PATH_MAX];
  if (::getcwd(current, sizeof current) == nullptr) return path;
  return without_trailing_slashes(std::string(current) + '/' + path);
}

Failure unsafe(const std::string& path, const std::string& reason) {
  return fail(ErrorKind::kConfiguration, ErrorCode::kRuntimeDirUnsafe,
              "runtime directory " + path + " " + reason);
}

std::string octal(unsigned mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

Result<UniqueFd> open_checked(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ELOOP) return unsafe(path, "is a symbolic link");
    if (errno == ENOTDIR) return unsafe(path, "is a symbolic link or not a directory");
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, "open " + path));
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, errno, "fstat " + path));
  }
  if (status.st_uid != ::geteuid()) {
    return unsafe(path, "belongs to user " + std::to_string(status.st_uid) + ", not to " +
                            std::to_string(::geteuid()));
  }
  if ((status.st_mode & 077) != 0) {
    return unsafe(path, "has mode " + octal(status.st_mode & 07777) +
                            "; others may use it. Mend it with: chmod 700 " + path);
  }
  return fd;
}

}  // namespace

RuntimeEnvironment RuntimeEnvironment::current() noexcept {
  return {std::getenv("MCPWIRE_RUNTIME_DIR"), std::getenv("XDG_RUNTIME_DIR"), std::getenv("TMPDIR"),
          ::geteuid()};
}

std::string runtime_directory_path(const RuntimeEnvironment& environment) {
  if (is_set(environment.mcpwire_runtime_dir)) return absolute(environment.mcpwire_runtime_dir);
  // The XDG base directory specification: a relative value is to be ignored.
  if (is_set(environment.xdg_runtime_dir) && *environment.xdg_runtime_dir == '/') {
    const std::string parent = without_trailing_slashes(environment.xdg_runtime_dir);
    if (is_own_directory(parent, environment.uid)) return parent + "/mcpwire";
  }
  const std::string uid = std::to_string(environment.uid);
  const std::string user_parent = "/run/user/" + uid;
  if (is_own_directory(user_parent, environment.uid)) return user_parent + "/mcpwire";
  const char* temporary = is_set(environment.tmpdir) ? environment.tmpdir : "/tmp";
  return absolute(std::string(temporary) + "/mcpwire-" + uid);
}

Result<RuntimeDirectory> RuntimeDirectory::open(std::string path) {
  MCPWIRE_CHECK(!path.empty());
  path = absolute(std::move(path));
  const std::size_t socket_bytes = path.size() + kSocketName.size();
  if (socket_bytes > kSocketPathBytesMax) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kRuntimePathTooLong,
                "socket path " + path + std::string(kSocketName) + " has " +
                    std::to_string(socket_bytes) + " bytes, a Unix socket address holds " +
                    std::to_string(kSocketPathBytesMax) +
                    "; set MCPWIRE_RUNTIME_DIR to a shorter path");
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, "mkdir " + path));
  }
  UniqueFd fd = TRY(open_checked(path));
  return RuntimeDirectory(std::move(path), std::move(fd));
}

Result<RuntimeDirectory> RuntimeDirectory::resolve() {
  return open(runtime_directory_path(RuntimeEnvironment::current()));
}

Result<std::optional<UniqueFd>> RuntimeDirectory::try_lock(const char* name) const {
  UniqueFd file(::openat(fd_.get(), name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, "open " + path_ + "/" + name));
  }
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<UniqueFd>();
    if (errno != EINTR) return fail(Error::from_errno(ErrorKind::kInternal, errno, "flock"));
  }
  return std::optional<UniqueFd>(std::move(file));
}

std::optional<std::int32_t> RuntimeDirectory::daemon_process() const {
  // Not blocking, should it be a pipe.
  const UniqueFd file(
      ::openat(fd_.get(), kDaemonLockName, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  // A shared lock, let go of at once: who asks at the same time is no holder to us.
  if (!file || ::flock(file.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
    return std::nullopt;
  }
  std::array<char, 32> text{};
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
  std::int32_t holder = 0;
  if (got <= 0) return 0;
  const auto parsed = std::from_chars(text.data(), text.data() + got, holder);
  return parsed.ec == std::errc{} && holder > 0 ? holder : 0;
}

std::string RuntimeDirectory::log_tail(std::size_t bytes_max) const {
  UniqueFd file(::openat(fd_.get(), "daemon.log", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto file_bytes = static_cast<std::size_t>(status.st_size);
  std::string tail(std::min(file_bytes, bytes_max), '\0');
  const ssize_t got =
      ::pread(file.get(), tail.data(), tail.size(), static_cast<off_t>(file_bytes - tail.size()));
  tail.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t line_end = tail.find('\n');
  if (tail.size() < file_bytes && line_end != std::string::npos) tail.erase(0, line_end + 1);
  return tail;
}

}  // namespace mcpwire::ring
