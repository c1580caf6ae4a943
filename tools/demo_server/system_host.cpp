// SPDX-License-Identifier: MIT
#include "tools/demo_server/system_host.hpp"

#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace mcpwire::demo {

bool write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::uint64_t SystemHost::monotonic_ns() const noexcept { return monotonic_now_ns(); }

void SystemHost::log(std::string_view text) noexcept {
  // Nobody may be listening there; that is no reason to fail.
  static_cast<void>(write_all(STDERR_FILENO, text));
}

bool SystemHost::append_to_ledger(std::string_view line) noexcept {
  const char* path = std::getenv("MCPWIRE_LEDGER");
  if (path == nullptr) return false;
  const UniqueFd file(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file) return false;
  // One write, so that lines of several servers never mix.
  std::string text(line);
  text += '\n';
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  return written == static_cast<ssize_t>(text.size());
}

}  // namespace mcpwire::demo
