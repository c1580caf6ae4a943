// SPDX-License-Identifier: MIT
//
// sleep_until and with_deadline: time for coroutines.
// Threading: the loop's thread.
#pragma once

#include "io/cancel.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>

namespace mcpwire::io {

/// Ends at `deadline_ns` (monotonic), or with the scope's error when it is cancelled before.
task<Result<void>> sleep_until(EventLoop& loop, CancelScope& scope, std::uint64_t deadline_ns);

/// Cancels `scope` with CancelCause::kDeadline at a deadline that may be moved.
class DeadlineTimer final : private Timer {
 public:
  DeadlineTimer(EventLoop& loop, CancelScope& scope) noexcept : loop_(loop), scope_(scope) {}
  /// kNever disarms.
  void set(std::uint64_t deadline_ns);

 private:
  void on_timer() override { scope_.cancel(CancelCause::kDeadline); }
  EventLoop& loop_;
  CancelScope& scope_;
};

}  // namespace mcpwire::io
