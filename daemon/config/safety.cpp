// SPDX-License-Identifier: MIT
#include "daemon/config/safety.hpp"

#include "daemon/config/paths.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace mcpwire::config {
namespace {

Failure unsafe(const std::string& path, const std::string& reason) {
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigUnsafe, path + ": " + reason);
}

std::string octal(std::uint32_t mode) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04o", mode & 07777U);
  return buffer.data();
}

Result<void> check_owner_and_mode(const FileStatus& status, const std::string& path,
                                  std::uint32_t own_uid) {
  if (status.owner_uid != own_uid && status.owner_uid != 0) {
    return unsafe(path,
                  "it belongs to another user (uid " + std::to_string(status.owner_uid) + ')');
  }
  if ((status.mode & (S_IWGRP | S_IWOTH)) != 0) {
    return unsafe(path, "others can change it (mode " + octal(status.mode) +
                            ") and with it the commands it starts; mend it with: chmod go-w '" +
                            path + '\'');
  }
  return {};
}

}  // namespace

Result<void> check_safe(const FileStatus& file, const FileStatus& directory,
                        const std::string& path, std::uint32_t own_uid) {
  if (!S_ISREG(file.mode)) return unsafe(path, "it is not a regular file");
  TRY(check_owner_and_mode(file, path, own_uid));
  FileStatus entered = directory;
  if ((directory.mode & S_ISVTX) != 0) {
    entered.mode &= ~static_cast<std::uint32_t>(S_IWGRP | S_IWOTH);
  }
  return check_owner_and_mode(entered, directory_of(path), own_uid);
}

bool is_missing(const Error& error) noexcept {
  return error.kind == ErrorKind::kNotFound || error.os_errno == ENOENT ||
         error.os_errno == ENOTDIR;
}

}  // namespace mcpwire::config
