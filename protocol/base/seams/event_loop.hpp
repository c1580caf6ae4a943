// SPDX-License-Identifier: MIT
//
// EventLoop: the seam behind which work is queued and timers run. Everything above io/ sees the
// loop only through this interface, so the same code runs on io_uring and on a virtual clock.
// Real one: io/loop.hpp; fake one: tests/support/fake_event_loop.hpp.
//
// Threading: all of it on the loop's own thread. Other threads use io/loop_inbox.hpp.
// Invariants: callbacks never run inside post(), arm() or disarm(); a Runnable or Timer may be
// destroyed at any time and is then forgotten by the loop.
#pragma once

#include "protocol/base/intrusive_list.hpp"

#include <cstddef>
#include <cstdint>

namespace mcpwire {

/// Work to be done in a later step of the loop. Owned by whoever posts it.
class Runnable : public ListNode {
 public:
  virtual void run() = 0;

 protected:
  ~Runnable() = default;
};

class EventLoop;

/// A one-shot timer. Owned by whoever arms it; disarms itself on destruction.
class Timer {
 public:
  Timer() noexcept = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  virtual void on_timer() = 0;
  bool is_armed() const noexcept { return loop_ != nullptr; }

 protected:
  ~Timer();

 private:
  friend class TimerQueue;
  EventLoop* loop_ = nullptr;
  std::uint64_t deadline_ns_ = 0;
  std::size_t heap_index_ = 0;
};

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  /// Monotonic time as of the start of the current turn, in nanoseconds. Costs nothing.
  virtual std::uint64_t now_ns() const noexcept = 0;

  /// Queues `work` behind all that is queued. Posting what is queued already changes nothing.
  virtual void post(Runnable& work) = 0;

  /// Runs `timer` once, in the first turn at or after `deadline_ns`. Re-arming moves the deadline.
  virtual void arm(Timer& timer, std::uint64_t deadline_ns) = 0;

  /// Forgets the timer. Disarming what is not armed changes nothing.
  virtual void disarm(Timer& timer) noexcept = 0;
};

inline Timer::~Timer() {
  if (loop_ != nullptr) loop_->disarm(*this);
}

}  // namespace mcpwire
