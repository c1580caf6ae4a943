// SPDX-License-Identifier: MIT
//
// Scope: a nursery. It starts tasks that run side by side, gives up the rest when one fails, and
// is left only when all of them have ended.
//
// Threading: the loop's thread.
// Invariants: join() has returned before the scope is destroyed (checked).
#pragma once

#include "io/cancel.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <coroutine>
#include <cstddef>
#include <memory>

namespace mcpwire::io {

class Scope final : private Runnable {
 public:
  /// `parent` cancels this scope's children with itself.
  Scope(EventLoop& loop, CancelScope& parent) : loop_(loop), cancel_scope_(parent) {}
  explicit Scope(EventLoop& loop) : loop_(loop) {}
  ~Scope();

  /// What the children are to be given.
  CancelScope& cancel_scope() noexcept { return cancel_scope_; }

  /// Runs `child` up to its first suspension and keeps it until it ends. Its failure cancels the
  /// others with CancelCause::kSiblingFailed.
  void spawn(task<Result<void>> child);

  std::size_t running() const noexcept { return running_; }

  struct JoinAwaiter {
    Scope& scope;
    bool await_ready() const noexcept { return scope.running_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { scope.waiter_ = waiter; }
    /// The first failure, if there was one.
    Result<void> await_resume() const;
  };
  /// Waits until no child runs. One coroutine may wait.
  JoinAwaiter join() noexcept { return JoinAwaiter{*this}; }

 private:
  struct Driver;
  static Driver drive(Scope& scope, task<Result<void>> child);
  void on_child_ended(Result<void> result);
  void run() override { waiter_.resume(); }

  EventLoop& loop_;
  CancelScope cancel_scope_;
  std::size_t running_ = 0;
  std::coroutine_handle<> waiter_;
  std::unique_ptr<Error> first_failure_;  ///< Rare, and there are many scopes.
};

}  // namespace mcpwire::io
