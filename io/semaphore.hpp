// SPDX-License-Identifier: MIT
//
// Semaphore: lets at most `permits` tasks through at a time, first come first served.
// Threading: the loop's thread.
#pragma once

#include "io/cancel.hpp"
#include "io/one_shot.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstddef>

namespace mcpwire::io {

class Semaphore {
 public:
  /// REQUIRES: permits >= 1.
  Semaphore(EventLoop& loop, std::size_t permits);

  /// Waits for a permit, which release() gives back; fails if `scope` is cancelled before.
  task<Result<void>> acquire(CancelScope& scope);
  /// Hands the permit to the first waiter, or keeps it.
  void release();

  std::size_t available() const noexcept { return available_; }

 private:
  struct Waiter : ListNode {
    explicit Waiter(EventLoop& loop) noexcept : shot(loop) {}
    OneShot<void> shot;
  };

  EventLoop& loop_;
  std::size_t available_;
  IntrusiveList<Waiter> waiters_;
};

}  // namespace mcpwire::io
