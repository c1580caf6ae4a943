// SPDX-License-Identifier: MIT
#include "io/system_file_system.hpp"

#include "protocol/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mcpwire::io {
namespace {

Error file_error(int error, const std::string& path) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return Error::from_errno(missing ? ErrorKind::kNotFound : ErrorKind::kConfiguration, error, path);
}

std::int64_t to_ns(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStatus to_status(const struct stat& raw) {
  FileStatus status;
  status.identity.device = raw.st_dev;
  status.identity.inode = raw.st_ino;
  status.identity.bytes = static_cast<std::uint64_t>(raw.st_size);
  status.identity.modified_ns = to_ns(raw.st_mtim);
  status.identity.changed_ns = to_ns(raw.st_ctim);
  status.owner_uid = raw.st_uid;
  status.mode = raw.st_mode;
  return status;
}

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? std::string_view("/") : path.substr(0, slash);
}

Result<void> make_folders(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return fail(file_error(errno, folder));
  TRY(make_folders(std::string(parent_of(folder))));
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(file_error(errno, folder));
}

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(file_error(errno, path));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0) return fail(file_error(errno, path));
  return {};
}

// The rename is durable only once the folder that holds the name is.
Result<void> sync_folder(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return fail(file_error(errno, folder));
  return {};
}

}  // namespace

Result<FileStatus> SystemFileSystem::status(const std::string& path) {
  struct stat raw{};
  if (stat(path.c_str(), &raw) != 0) return fail(file_error(errno, path));
  return to_status(raw);
}

Result<FileContents> SystemFileSystem::read(const std::string& path, std::size_t bytes_max) {
  // Non-blocking, or a FIFO with that name would hold us for ever; regular files do not care.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail(file_error(errno, path));
  struct stat raw{};
  if (fstat(fd.get(), &raw) != 0) return fail(file_error(errno, path));
  if (!S_ISREG(raw.st_mode)) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigUnreadable,
                path + " is not a regular file");
  }
  FileContents contents;
  contents.status = to_status(raw);
  const auto too_large = [&] {
    return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
                path + " is larger than " + std::to_string(bytes_max) + " bytes");
  };
  if (contents.status.identity.bytes > bytes_max) return too_large();
  // One byte more than its size says: a file that grows meanwhile is found out.
  contents.text.resize(static_cast<std::size_t>(raw.st_size) + 1);
  std::size_t length = 0;
  for (;;) {
    if (length == contents.text.size()) {
      if (length > bytes_max) return too_large();
      contents.text.resize(length * 2);
    }
    const ssize_t got =
        ::read(fd.get(), contents.text.data() + length, contents.text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(file_error(errno, path));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > bytes_max) return too_large();
  contents.text.resize(length);
  return contents;
}

Result<void> SystemFileSystem::replace(const std::string& path, const std::string& text) {
  const std::string folder(parent_of(path));
  TRY(make_folders(folder));
  std::string temporary = path + ".XXXXXX";
  // Creates it with mode 0600 and a name that did not exist.
  const UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail(file_error(errno, temporary));
  Result<void> written = write_all(fd.get(), text, temporary);
  if (written.has_value() && rename(temporary.c_str(), path.c_str()) != 0) {
    written = fail(file_error(errno, path));
  }
  if (!written.has_value()) {
    unlink(temporary.c_str());
    return written;
  }
  return sync_folder(folder);
}

bool SystemFileSystem::is_executable(const std::string& path) {
  struct stat raw{};
  return stat(path.c_str(), &raw) == 0 && S_ISREG(raw.st_mode) &&
         faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

}  // namespace mcpwire::io
