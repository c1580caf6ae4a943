// SPDX-License-Identifier: MIT
#include "client/detail/interruption.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mcpwire::client::detail {
namespace {

/// sizeof(signalfd_siginfo); a pipe gives up to as many bytes.
constexpr std::size_t kEventBytes = 128;

timespec remaining(std::uint64_t deadline_ns) noexcept {
  const std::uint64_t now = monotonic_now_ns();
  const std::uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  return {static_cast<time_t>(left / kNanosecondsPerSecond),
          static_cast<long>(left % kNanosecondsPerSecond)};
}

}  // namespace

Interruption take_interruption(InterruptSource interrupt) noexcept {
  if (interrupt.fd < 0) return Interruption::kNone;
  pollfd waiting{interrupt.fd, POLLIN, 0};
  if (::poll(&waiting, 1, 0) != 1) return Interruption::kNone;
  if ((waiting.revents & POLLIN) == 0) return Interruption::kClosed;
  std::array<char, kEventBytes> event;
  const ssize_t got = ::read(interrupt.fd, event.data(), event.size());
  if (got > 0) return Interruption::kTaken;
  const bool somebody_else_took_it = got < 0 && (errno == EAGAIN || errno == EINTR);
  return somebody_else_took_it ? Interruption::kNone : Interruption::kClosed;
}

WaitEnd wait_ready(Watched watched, std::uint64_t deadline_ns, InterruptSource interrupt) noexcept {
  for (;;) {
    std::array<pollfd, 3> entries = {pollfd{watched.fd, watched.events, 0},
                                     pollfd{watched.pidfd, POLLIN, 0},
                                     pollfd{interrupt.fd, POLLIN, 0}};
    const timespec left = remaining(deadline_ns);
    const int ready =
        ::ppoll(entries.data(), entries.size(), deadline_ns == kNever ? nullptr : &left, nullptr);
    if (ready < 0 && errno != EINTR) return WaitEnd::kReady;
    if (ready <= 0) {
      if (deadline_ns != kNever && monotonic_now_ns() >= deadline_ns) return WaitEnd::kTimeout;
      continue;
    }
    if (entries[0].revents != 0 || entries[1].revents != 0) return WaitEnd::kReady;
    switch (take_interruption(interrupt)) {
      case Interruption::kTaken:
        return WaitEnd::kInterrupted;
      case Interruption::kClosed:
        interrupt.fd = -1;  // It would wake us for ever.
        break;
      case Interruption::kNone:
        break;
    }
  }
}

WaitEnd wait_readable(int fd, std::uint64_t deadline_ns, InterruptSource interrupt) noexcept {
  return wait_ready({fd, POLLIN, -1}, deadline_ns, interrupt);
}

}  // namespace mcpwire::client::detail
