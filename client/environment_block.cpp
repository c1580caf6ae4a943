// SPDX-License-Identifier: MIT
#include "client/environment_block.hpp"

#include "protocol/base/seams/clock.hpp"
#include "protocol/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mcpwire::client {
namespace {

constexpr std::array<std::string_view, 7> kAlwaysTold = {
    "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "XDG_STATE_HOME"};

/// How to get to servers with a URL (daemon/config/http_route.hpp). Told only where one may be
/// configured: a proxy's value may hold a password.
constexpr std::array<std::string_view, 8> kToldForUrls = {
    "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
    "ALL_PROXY",   "no_proxy",    "NO_PROXY",   "SSL_CERT_FILE"};

bool is_name_start(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool is_name_part(char c) noexcept { return is_name_start(c) || (c >= '0' && c <= '9'); }

/// The name at the start of `text` if "}" or ":-" follows it; empty otherwise.
std::string_view leading_name(std::string_view text) noexcept {
  if (text.empty() || !is_name_start(text.front())) return {};
  const auto end = std::ranges::find_if_not(text, is_name_part);
  const auto length = static_cast<std::size_t>(end - text.begin());
  const std::string_view rest = text.substr(length);
  return rest.starts_with('}') || rest.starts_with(":-") ? text.substr(0, length)
                                                         : std::string_view();
}

/// The whole "NAME=value" of a variable, or empty.
std::string_view find_variable(std::string_view name, const char* const* environment) noexcept {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry;
    }
  }
  return {};
}

std::int64_t nanoseconds(const timespec& time) noexcept {
  return time.tv_sec * static_cast<std::int64_t>(kNanosecondsPerSecond) + time.tv_nsec;
}

FileStatus status_of(const struct stat& status) noexcept {
  return {{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
           nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)},
          status.st_uid,
          status.st_mode};
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 16 * 1024> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Error error = Error::from_errno(ErrorKind::kConfiguration, errno, "read " + path);
      error.code = ErrorCode::kConfigUnreadable;
      return fail(std::move(error));
    }
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > kConfigBytesMax) {
      return fail(
          ErrorKind::kConfiguration, ErrorCode::kTooLarge,
          "configuration " + path + " has more than " + std::to_string(kConfigBytesMax) + " bytes");
    }
  }
}

}  // namespace

std::vector<std::string_view> referenced_variables(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at)) {
    at += 2;
    const std::string_view name = leading_name(text.substr(at));
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

Result<std::string> build_environment_block(std::string_view config_text,
                                            const char* const* environment, std::size_t bytes_max) {
  std::vector<std::string_view> names(kAlwaysTold.begin(), kAlwaysTold.end());
  if (config_text.find("\"url\"") != std::string_view::npos) {
    names.insert(names.end(), kToldForUrls.begin(), kToldForUrls.end());
  }
  for (const std::string_view name : referenced_variables(config_text)) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::string block;
  for (const std::string_view name : names) {
    const std::string_view entry = find_variable(name, environment);
    if (entry.empty()) continue;
    if (block.size() + entry.size() + 1 > bytes_max) {
      // The value is not told: it may be a secret.
      return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
                  "the environment variables that the configuration uses have more than " +
                      std::to_string(bytes_max) + " bytes; the limit is passed by " +
                      std::string(name) + " (" + std::to_string(entry.size()) + " bytes)");
    }
    block.append(entry);
    block.push_back('\0');
  }
  return block;
}

Result<FileContents> read_config(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    Error error = Error::from_errno(ErrorKind::kConfiguration, errno, "open " + path);
    error.code =
        error.os_errno == ENOENT ? ErrorCode::kConfigMissing : ErrorCode::kConfigUnreadable;
    return fail(std::move(error));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigUnreadable,
                "configuration " + path + " is not a regular file");
  }
  return FileContents{TRY(read_all(fd.get(), path)), status_of(status)};
}

}  // namespace mcpwire::client
