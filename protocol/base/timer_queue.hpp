// SPDX-License-Identifier: MIT
//
// TimerQueue: the armed timers of one loop as a 4-ary heap of intrusive timers, ordered by
// deadline. Shared by the real loop and the fake one, so both fire in the same order.
// Threading: the loop's thread.
#pragma once

#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <vector>

namespace mcpwire {

class TimerQueue {
 public:
  /// `loop` is what an armed timer calls to leave; it must outlive every armed timer.
  explicit TimerQueue(EventLoop& loop) noexcept : loop_(&loop) {}
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  void arm(Timer& timer, std::uint64_t deadline_ns);
  void disarm(Timer& timer) noexcept;

  /// The earliest deadline, or kNever.
  std::uint64_t next_deadline_ns() const noexcept;

  /// Removes and returns the earliest timer that is due at `now_ns`, or null.
  Timer* pop_due(std::uint64_t now_ns) noexcept;

 private:
  void place(std::size_t index, Timer* timer) noexcept;
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;
  void remove_at(std::size_t index) noexcept;

  EventLoop* loop_;
  std::vector<Timer*> heap_;
};

}  // namespace mcpwire
