// SPDX-License-Identifier: MIT
//
// OneShot<T>: one result that one coroutine waits for and someone else delivers. The waiter is
// resumed from the loop's queue, never on the deliverer's stack.
//
// Threading: the loop's thread.
// Invariants: the first resolve (or the scope's cancellation) wins, later ones change nothing; it
// outlives the wait because it lives in the waiting coroutine's frame.
#pragma once

#include "io/cancel.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <coroutine>
#include <optional>
#include <utility>

namespace mcpwire::io {

template <class T>
class OneShot final : private Runnable, private CancelHook {
 public:
  explicit OneShot(EventLoop& loop) noexcept : loop_(loop) {}

  /// Delivers the result. Only the first call counts.
  void resolve(Result<T> result) {
    if (result_.has_value()) return;
    result_.emplace(std::move(result));
    if (waiter_) loop_.post(*this);
  }
  bool is_resolved() const noexcept { return result_.has_value(); }

  struct Awaiter {
    OneShot& shot;
    bool await_ready() const noexcept { return shot.is_resolved(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { shot.waiter_ = waiter; }
    Result<T> await_resume() const {
      static_cast<CancelHook&>(shot).unlink();
      return *std::move(shot.result_);
    }
  };

  /// Waits for the result, or for `scope` to be cancelled. REQUIRES: awaited at once, and once.
  Awaiter wait(CancelScope& scope) {
    scope.attach(*this);
    return Awaiter{*this};
  }

 private:
  void run() override { waiter_.resume(); }
  void on_cancel(CancelCause cause) override { resolve(fail(error_of(cause))); }

  EventLoop& loop_;
  std::coroutine_handle<> waiter_;
  std::optional<Result<T>> result_;
};

}  // namespace mcpwire::io
