// SPDX-License-Identifier: MIT
#include "ring/waiter.hpp"

#include "ring/control_socket.hpp"
#include "ring/spin_leave.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

namespace mcpwire::ring {

namespace {

/// Looks between two readings of the clock, which costs about as much as twenty of them.
constexpr int kLooksPerClockReading = 64;

/// An answer of the daemon itself is there within a microsecond; for a longer wait somebody else
/// needs a processor.
constexpr std::uint64_t kYieldAfterNs = 3 * kNanosecondsPerMicrosecond;

/// How long a spinner may fail to notice that its peer is gone.
constexpr std::uint64_t kSocketCheckNs = kNanosecondsPerMillisecond;

/// Longest single sleep; the caller's deadline is checked in between.
constexpr std::uint64_t kSleepNsMax = 3600 * kNanosecondsPerSecond;

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __builtin_arm_isb(15);
#endif
}

std::uint32_t online_processors() noexcept {
  const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : static_cast<std::uint32_t>(count);
}

timespec to_timespec(std::uint64_t ns) noexcept {
  return {static_cast<time_t>(ns / kNanosecondsPerSecond),
          static_cast<long>(ns % kNanosecondsPerSecond)};
}

}  // namespace

Waiter::Waiter(Consumer& consumer, Producer& producer, const Clock& clock, WaiterOptions options)
    : consumer_(consumer), producer_(producer), clock_(clock), options_(options) {
  if (options_.processors == 0) options_.processors = online_processors();
  if (options_.processors == 1) options_.spin_ns = 0;
}

Result<WaitOutcome> Waiter::wait_blocking(std::uint64_t deadline_ns,
                                          std::optional<std::uint32_t> wanted_space) {
  if (consumer_.has_untold_credits()) ring_for_space();
  if (const Found found = TRY(look(wanted_space))) return *found;
  // A peer that sleeps for room would never produce what we are about to wait for.
  ring_for_space();
  if (spin_limit() != 0 && policy_.may_spin()) {
    ++counters_.spins;
    if (const Found found = TRY(spin(deadline_ns, wanted_space))) {
      policy_.paid();
      return settle(*found, wanted_space);
    }
  }
  for (;;) {
    const Found found = TRY(park(deadline_ns, wanted_space));
    if (found) return settle(*found, wanted_space);
  }
}

void Waiter::ring_for_space() {
  if (!consumer_.peer_waits_for_space()) return;
  ++counters_.doorbells_rung;
  // A peer that is gone is noticed by whoever waits, after its last records were taken.
  static_cast<void>(ring_doorbell(options_.socket_fd));
}

Result<Waiter::Found> Waiter::look(std::optional<std::uint32_t> wanted_space) {
  if (consumer_.has_data()) return WaitOutcome::kData;
  if (wanted_space && TRY(producer_.has_space(*wanted_space))) return WaitOutcome::kSpace;
  return std::nullopt;
}

/// Whatever was published before the peer ended is delivered before its end is reported.
Result<WaitOutcome> Waiter::settle(WaitOutcome outcome, std::optional<std::uint32_t> wanted_space) {
  if (outcome != WaitOutcome::kPeerGone) return outcome;
  const Found found = TRY(look(wanted_space));
  return found == WaitOutcome::kData ? WaitOutcome::kData : outcome;
}

std::uint64_t Waiter::spin_limit() const noexcept {
  if (options_.spin_leave_of.page == nullptr) return options_.spin_ns;
  return spin_limit_ns(options_.spin_leave_of, options_.spin_ns);
}

/// True if the spin is to end in a sleep: it was in vain, or the leave ended.
bool Waiter::has_spun_enough(std::uint64_t spun_ns) noexcept {
  const std::uint64_t limit_ns = spin_limit();
  if (spun_ns < limit_ns) return false;
  if (limit_ns != 0) policy_.in_vain();
  return true;
}

Result<Waiter::Found> Waiter::spin(std::uint64_t deadline_ns,
                                   std::optional<std::uint32_t> wanted_space) {
  std::uint64_t start_ns = 0;
  std::uint64_t socket_check_ns = 0;
  for (;;) {
    for (int i = 0; i < kLooksPerClockReading; ++i) {
      // look() without the price of a Result where no room is wanted.
      if (consumer_.has_data()) return WaitOutcome::kData;
      if (wanted_space && TRY(producer_.has_space(*wanted_space))) return WaitOutcome::kSpace;
      relax();
    }
    const std::uint64_t now_ns = clock_.monotonic_ns();
    if (start_ns == 0) {  // Read only now: an answer that is already there costs no clock.
      start_ns = now_ns;
      socket_check_ns = now_ns + kSocketCheckNs;
    }
    if (now_ns >= deadline_ns) return WaitOutcome::kTimeout;
    if (has_spun_enough(now_ns - start_ns)) return std::nullopt;
    // Whoever is to answer may have been woken on this very processor and wait for it behind us.
    if (now_ns - start_ns >= kYieldAfterNs) ::sched_yield();
    if (now_ns >= socket_check_ns) {
      if (const Found found = look_at_socket()) return found;
      socket_check_ns = now_ns + kSocketCheckNs;
    }
  }
}

Result<Waiter::Found> Waiter::announce_and_look(std::optional<std::uint32_t> wanted_space) {
  if (consumer_.prepare_park()) return WaitOutcome::kData;
  if (wanted_space && TRY(producer_.prepare_park(*wanted_space))) return WaitOutcome::kSpace;
  return std::nullopt;
}

Result<Waiter::Found> Waiter::park(std::uint64_t deadline_ns,
                                   std::optional<std::uint32_t> wanted_space) {
  Result<Found> found = announce_and_look(wanted_space);
  if (found && !*found) {
    ++counters_.parks;
    found = sleep(deadline_ns);
  }
  consumer_.unpark();
  if (wanted_space) producer_.unpark();
  if (found && !*found) return look(wanted_space);
  return found;
}

/// Sleeps until the socket or the pidfd has something to say, and hears what it is.
Waiter::Found Waiter::sleep(std::uint64_t deadline_ns) {
  std::array<pollfd, 2> watched{
      {{options_.socket_fd, POLLIN, 0}, {options_.peer_pidfd, POLLIN, 0}}};
  const std::uint64_t now_ns = clock_.monotonic_ns();
  if (now_ns >= deadline_ns) return WaitOutcome::kTimeout;
  const timespec limit = to_timespec(std::min(deadline_ns - now_ns, kSleepNsMax));
  const timespec* timeout = deadline_ns == kNever ? nullptr : &limit;
  // poll() skips an entry whose descriptor is -1.
  const int ready = ::ppoll(watched.data(), watched.size(), timeout, nullptr);
  if (ready < 0) return WaitOutcome::kInterrupted;
  // The socket first: frames that a dead peer left behind are still to be read.
  if (watched[0].revents != 0) return look_at_socket();
  if (watched[1].revents != 0) return WaitOutcome::kPeerGone;
  return std::nullopt;
}

/// Takes doorbells out of the socket. Everything else is the caller's.
Waiter::Found Waiter::look_at_socket() {
  switch (take_doorbell(options_.socket_fd)) {
    case SocketState::kQuiet:
      return std::nullopt;
    case SocketState::kDoorbell:
      ++counters_.doorbells_taken;
      return std::nullopt;
    case SocketState::kFrame:
      return WaitOutcome::kControlFrame;
    case SocketState::kClosed:
      return WaitOutcome::kPeerGone;
  }
  return WaitOutcome::kPeerGone;
}

}  // namespace mcpwire::ring
