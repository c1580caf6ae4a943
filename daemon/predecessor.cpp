// SPDX-License-Identifier: MIT
#include "daemon/predecessor.hpp"

#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::daemon {
namespace {

constexpr std::uint64_t kConnectPatienceNs = 100 * kNanosecondsPerMillisecond;

// A daemon that is ending has removed its socket before anything else.
bool is_serving(const ring::RuntimeDirectory& directory) {
  return ring::connect_control_blocking(directory.socket_path(), kConnectPatienceNs).has_value();
}

// For people and for a successor; a full disk must not stop us.
void write_process_id(int fd) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
}

}  // namespace

Result<UniqueFd> take_instance_lock(const ring::RuntimeDirectory& directory,
                                    std::uint64_t patience_ns) {
  const std::uint64_t give_up_ns = monotonic_now_ns() + patience_ns;
  // A holder that wrote no process id yet is about to, and one that only looked whether the lock is
  // held (RuntimeDirectory::daemon_process) writes none: the number there may be a stranger's.
  constexpr std::uint64_t kUnknownHolderWaitNs = 5 * kNanosecondsPerMillisecond;
  constexpr std::uint64_t kHolderWaitNs = 50 * kNanosecondsPerMillisecond;
  for (;;) {
    std::optional<UniqueFd> lock = TRY(directory.try_lock_daemon());
    if (lock.has_value()) {
      write_process_id(lock->get());
      return *std::move(lock);
    }
    const std::uint64_t now_ns = monotonic_now_ns();
    if (now_ns >= give_up_ns || is_serving(directory)) break;
    const std::int32_t holder = directory.daemon_process().value_or(0);
    const UniqueFd process = holder > 0 ? open_process(holder) : UniqueFd();
    if (process) {
      wait_for_process_end(process, std::min(give_up_ns - now_ns, kHolderWaitNs));
    } else {
      ::poll(nullptr, 0, static_cast<int>(kUnknownHolderWaitNs / kNanosecondsPerMillisecond));
    }
  }
  return fail(ErrorKind::kOverloaded, ErrorCode::kDaemonStartFailed,
              "another mcpwired holds " + directory.path() + "/daemon.lock");
}

}  // namespace mcpwire::daemon
