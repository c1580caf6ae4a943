// SPDX-License-Identifier: MIT
//
// FakeEventLoop: the loop and the clock of a test. Time stands still unless the test moves it, and
// timers fire in the order in which the real loop would fire them.
//
// Threading: one thread.
#pragma once

#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/timer_queue.hpp"

#include <cstddef>
#include <cstdint>

namespace mcpwire::test_support {

class FakeEventLoop final : public EventLoop, public Clock {
 public:
  /// Not zero, so that a forgotten initialisation shows.
  static constexpr std::uint64_t kStartNs = 1'000 * kNanosecondsPerSecond;

  std::uint64_t now_ns() const noexcept override { return now_ns_; }
  std::uint64_t monotonic_ns() const noexcept override { return now_ns_; }
  std::uint64_t realtime_ns() const noexcept override { return now_ns_ + kRealtimeOffsetNs; }

  void post(Runnable& work) override;
  void arm(Timer& timer, std::uint64_t deadline_ns) override;
  void disarm(Timer& timer) noexcept override;

  /// Runs what is queued and the timers that are due now until nothing is left. A test that posts
  /// without end fails a check after a million steps.
  void run_until_idle();

  /// Runs one piece of queued work. False when there was none.
  bool run_one();

  /// Moves time forward by `delta_ns`, stopping at each timer in between, and runs until idle at
  /// every stop.
  void advance_ns(std::uint64_t delta_ns);

  /// Moves time to the earliest timer and runs until idle. False when none is armed.
  bool advance_to_next_timer();

  /// The earliest armed deadline, or kNever.
  std::uint64_t next_timer_ns() const noexcept { return timers_.next_deadline_ns(); }

 private:
  static constexpr std::uint64_t kRealtimeOffsetNs = 1'700'000'000 * kNanosecondsPerSecond;

  std::uint64_t now_ns_ = kStartNs;
  IntrusiveList<Runnable> ready_;
  TimerQueue timers_{*this};
};

}  // namespace mcpwire::test_support
