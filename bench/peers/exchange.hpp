// SPDX-License-Identifier: MIT
//
// Exchange: what the two ends of a lane tell each other and the runner, in shared memory.
// Threading: each field has one writer; `step` orders them. Default (seq_cst) order throughout:
// nothing here is timed.
#pragma once

#include "bench/peers/shared_memory.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/system_clock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <sched.h>

namespace mcpwire::peers {

enum class Role : std::uint8_t { kCaller, kPeer };
constexpr std::size_t index_of(Role role) noexcept { return static_cast<std::size_t>(role); }
constexpr Role other(Role role) noexcept {
  return role == Role::kCaller ? Role::kPeer : Role::kCaller;
}

/// How far an end has come. kBound: the peer listens. kOpen: both have what they need.
enum class Step : std::uint32_t { kStarted, kBound, kOpen, kFinished };

inline constexpr std::size_t kSamplesMax = 20'000;
/// Messages of a stream before the receiver's clock starts; more than kComparedMessages.
inline constexpr std::uint64_t kStreamWarmUp = 64;

struct Exchange {
  std::array<std::atomic<Step>, 2> step{};
  std::size_t sample_count = 0;  ///< Caller.
  std::uint64_t cpu_ns = 0;      ///< Caller: processor time of both ends in the timed part.
  std::uint64_t operations = 0;  ///< Caller: round trips, or messages, in that time.
  std::uint64_t first_ns = 0;    ///< Receiver of a stream: clock at message kStreamWarmUp.
  std::uint64_t last_ns = 0;     ///< and at the last one.
  std::uint64_t messages = 0;    ///< Between the two.
  std::array<std::uint32_t, kSamplesMax> samples_ns{};

  void reach(Role role, Step reached) noexcept { step[index_of(role)].store(reached); }
  /// The runner kills the waiting end if the other one dies.
  void wait_for_blocking(Role role, Step wanted) const noexcept {
    while (step[index_of(role)].load() < wanted) ::sched_yield();
  }
};

/// The receiver's part of a stream. `message` is called for each message that was right.
class StreamMeter {
 public:
  explicit StreamMeter(Exchange& exchange) noexcept : exchange_(exchange) {}

  void message(std::uint64_t sequence) noexcept {
    if (sequence == kStreamWarmUp) exchange_.first_ns = clock_.monotonic_ns();
  }
  /// `sequence` is the number of the last message that was not the stop.
  void stop(std::uint64_t sequence) noexcept {
    exchange_.last_ns = clock_.monotonic_ns();
    exchange_.messages = sequence > kStreamWarmUp ? sequence - kStreamWarmUp : 0;
  }

 private:
  SystemClock clock_;
  Exchange& exchange_;
};

/// The sender's part: says after each message whether there is to be another one.
class StreamPlan {
 public:
  /// `messages_max` 0: as many as the time allows.
  StreamPlan(std::uint64_t slot_ns, std::uint64_t messages_max) noexcept
      : end_ns_(clock_.monotonic_ns() + slot_ns), messages_max_(messages_max) {}

  bool more_after(std::uint64_t sequence) noexcept {
    if (messages_max_ != 0 && sequence >= messages_max_) return false;
    // The clock is read rarely, so that a message of 10 ns does not carry its price.
    if (sequence % kMessagesPerClockReading != 0 || sequence <= 2 * kStreamWarmUp) return true;
    return clock_.monotonic_ns() < end_ns_;
  }

 private:
  static constexpr std::uint64_t kMessagesPerClockReading = 32;

  SystemClock clock_;
  std::uint64_t end_ns_;
  std::uint64_t messages_max_;
};

}  // namespace mcpwire::peers
