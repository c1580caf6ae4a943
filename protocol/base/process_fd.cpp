// SPDX-License-Identifier: MIT
#include "protocol/base/process_fd.hpp"

#include "protocol/base/seams/clock.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <poll.h>
#include <algorithm>

namespace mcpwire {

UniqueFd open_process(std::int32_t process_id) noexcept {
  // Not glibc's wrapper: its header of Debian 12 does not declare it for C++.
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process_id, 0)));
}

bool wait_for_process_end(const UniqueFd& process, std::uint64_t patience_ns) noexcept {
  constexpr std::uint64_t kMillisecondsMax = 1'000'000'000;
  if (!process) return true;
  pollfd ended{process.get(), POLLIN, 0};
  const std::uint64_t milliseconds = patience_ns / kNanosecondsPerMillisecond;
  return ::poll(&ended, 1, static_cast<int>(std::min(milliseconds, kMillisecondsMax))) > 0;
}

}  // namespace mcpwire
