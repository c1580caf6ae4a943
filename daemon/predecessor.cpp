// SPDX-License-Identifier: MIT
#include "daemon/predecessor.hpp"

#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"

#include <poll.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::daemon {
namespace {

constexpr const char* kLockName = "daemon.lock";

constexpr std::uint64_t kConnectPatienceNs = 100 * kNanosecondsPerMillisecond;

// A daemon that is ending has removed its socket before anything else.
bool is_serving(const ring::RuntimeDirectory& directory) {
  return ring::connect_control_blocking(directory.socket_path(), kConnectPatienceNs).has_value();
}

// What the holder wrote into the file; nothing if it has not yet, or a full disk kept it from it.
std::optional<pid_t> holder_of_lock(const ring::RuntimeDirectory& directory) {
  const UniqueFd file(::openat(directory.fd(), kLockName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::array<char, 32> text{};
  const ssize_t got = file ? ::pread(file.get(), text.data(), text.size(), 0) : -1;
  if (got <= 0) return std::nullopt;
  pid_t holder = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + got, holder);
  if (parsed.ec != std::errc{} || holder <= 0) return std::nullopt;
  return holder;
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
  // A holder that wrote no process id yet is about to; this bounds the wait for that.
  constexpr std::uint64_t kUnknownHolderWaitNs = 5 * kNanosecondsPerMillisecond;
  for (;;) {
    std::optional<UniqueFd> lock = TRY(directory.try_lock_daemon());
    if (lock.has_value()) {
      write_process_id(lock->get());
      return *std::move(lock);
    }
    const std::uint64_t now_ns = monotonic_now_ns();
    if (now_ns >= give_up_ns || is_serving(directory)) break;
    const std::optional<pid_t> holder = holder_of_lock(directory);
    if (holder.has_value()) {
      wait_for_process_end(open_process(*holder), give_up_ns - now_ns);
    } else {
      ::poll(nullptr, 0, static_cast<int>(kUnknownHolderWaitNs / kNanosecondsPerMillisecond));
    }
  }
  return fail(ErrorKind::kOverloaded, ErrorCode::kDaemonStartFailed,
              "another mcpwired serves " + directory.path());
}

}  // namespace mcpwire::daemon
