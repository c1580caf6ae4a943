// SPDX-License-Identifier: MIT
#include "tools/mcpwire/process_exit.hpp"

#include "client/types.hpp"
#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace mcpwire::cli {

Result<ProcessWatch> ProcessWatch::open(std::int32_t process_id) {
  UniqueFd process = open_process(process_id);
  if (!process) return fail(Error::from_errno(ErrorKind::kInternal, errno, "pidfd_open"));
  return ProcessWatch(std::move(process));
}

Result<void> ProcessWatch::wait(std::uint64_t deadline_ns, int interrupt_fd) const {
  constexpr std::uint64_t kPollMsMax = 60'000;
  while (true) {
    const std::uint64_t now = monotonic_now_ns();
    const std::uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    const std::uint64_t left_ms =
        (left + kNanosecondsPerMillisecond - 1) / kNanosecondsPerMillisecond;
    std::array<pollfd, 2> waiting = {pollfd{fd_.get(), POLLIN, 0}, pollfd{interrupt_fd, POLLIN, 0}};
    const int ready =
        ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min(left_ms, kPollMsMax)));
    if (ready < 0 && errno != EINTR) {
      return fail(Error::from_errno(ErrorKind::kInternal, errno, "poll"));
    }
    if (ready > 0 && waiting[0].revents != 0) return {};
    if (ready > 0) return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    if (left == 0) return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded);
  }
}

}  // namespace mcpwire::cli
