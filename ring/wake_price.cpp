// SPDX-License-Identifier: MIT
#include "ring/wake_price.hpp"

#include "protocol/base/seams/clock.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <thread>

namespace mcpwire::ring {

namespace {

constexpr int kRoundTrips = 9;
constexpr std::uint64_t kAbsurdlyCheapNs = 500;
constexpr std::uint64_t kAbsurdlyDearNs = 500 * kNanosecondsPerMicrosecond;

/// The first two processors this process may use; nothing if there is only one.
std::optional<std::array<int, 2>> two_processors() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return std::nullopt;
  std::array<int, 2> found{};
  std::size_t count = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && count < found.size(); ++cpu) {
    if (CPU_ISSET(cpu, &set)) found[count++] = cpu;
  }
  if (count < found.size()) return std::nullopt;
  return found;
}

/// The calling thread alone: both threads here are our own and end soon.
void pin_to(int cpu) noexcept {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  static_cast<void>(::sched_setaffinity(0, sizeof(only), &only));
}

bool say(int fd) noexcept {
  const char byte = 1;
  return ::send(fd, &byte, 1, MSG_NOSIGNAL) == 1;
}

bool hear(int fd) noexcept {
  char byte = 0;
  return ::recv(fd, &byte, 1, 0) == 1;
}

/// Until the other end closes.
void answer_all(int fd, int cpu) noexcept {
  pin_to(cpu);
  while (hear(fd) && say(fd)) {
  }
}

void ask_all(int socket, int cpu, std::vector<std::uint64_t>& round_trips_ns) {
  pin_to(cpu);
  for (int i = 0; i < kRoundTrips; ++i) {
    const std::uint64_t start_ns = monotonic_now_ns();
    if (!say(socket) || !hear(socket)) return;
    // The first one finds caches and the other thread cold.
    if (i != 0) round_trips_ns.push_back(monotonic_now_ns() - start_ns);
  }
}

}  // namespace

std::optional<std::uint64_t> wake_price_of(std::vector<std::uint64_t> round_trips_ns) {
  if (round_trips_ns.empty()) return std::nullopt;
  const auto middle =
      round_trips_ns.begin() + static_cast<std::ptrdiff_t>(round_trips_ns.size() / 2);
  std::ranges::nth_element(round_trips_ns, middle);
  const std::uint64_t price_ns = *middle / 2;
  if (price_ns < kAbsurdlyCheapNs || price_ns > kAbsurdlyDearNs) return std::nullopt;
  return price_ns;
}

std::optional<std::uint64_t> measure_wake_price_blocking() {
  const auto processors = two_processors();
  std::array<int, 2> ends{-1, -1};
  if (!processors || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return std::nullopt;
  }
  std::vector<std::uint64_t> round_trips_ns;
  try {
    // Destroyed in the reverse order: the partner ends when `near` is closed, however that comes.
    const UniqueFd far(ends[1]);
    std::jthread partner;
    UniqueFd near(ends[0]);
    partner = std::jthread([&far, cpu = (*processors)[1]] { answer_all(far.get(), cpu); });
    const std::jthread caller([&near, &round_trips_ns, cpu = (*processors)[0]] {
      ask_all(near.get(), cpu, round_trips_ns);
    });
  } catch (const std::system_error&) {
    return std::nullopt;
  }
  return wake_price_of(std::move(round_trips_ns));
}

SpinLimits spin_limits(std::uint64_t wake_price_ns) noexcept {
  constexpr std::uint64_t kUs = kNanosecondsPerMicrosecond;
  return {.client_ns = std::clamp(5 * wake_price_ns, 20 * kUs, 200 * kUs),
          .server_ns = std::clamp(3 * wake_price_ns / 2, 10 * kUs, 100 * kUs)};
}

}  // namespace mcpwire::ring
