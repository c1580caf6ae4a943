// SPDX-License-Identifier: MIT
#include "tools/mcpwire/process_exit.hpp"

#include "client/types.hpp"
#include "protocol/base/seams/clock.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mcpwire::cli {

Result<ProcessWatch> ProcessWatch::open(std::int32_t process_id) {
  // glibc 2.36's wrapper cannot be called from C++: its header lacks extern "C".
  const long fd = ::syscall(SYS_pidfd_open, process_id, 0);
  if (fd < 0) return fail(Error::from_errno(ErrorKind::kInternal, errno, "pidfd_open"));
  return ProcessWatch(UniqueFd(static_cast<int>(fd)));
}

Result<void> ProcessWatch::wait(std::uint64_t deadline_ns, int interrupt_fd) const {
  constexpr std::uint64_t kPollMsMax = 60'000;
  while (true) {
    const std::uint64_t now = client::monotonic_now_ns();
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
