// SPDX-License-Identifier: MIT
#include "io/scope.hpp"

#include "protocol/base/check.hpp"

#include <exception>
#include <utility>

namespace mcpwire::io {

/// The coroutine that owns one child; its frame frees itself at the end.
struct Scope::Driver {
  struct promise_type {
    static void* operator new(std::size_t bytes) { return detail::allocate_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept {
      detail::free_frame(frame, bytes);
    }
    Driver get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

Scope::~Scope() { MCPWIRE_CHECK(running_ == 0); }

void Scope::spawn(task<Result<void>> child) {
  ++running_;
  drive(*this, std::move(child));
}

// The scope outlives its drivers: its destructor checks that none is left.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
Scope::Driver Scope::drive(Scope& scope, task<Result<void>> child) {
  Result<void> result = co_await std::move(child);
  scope.on_child_ended(std::move(result));
}

void Scope::on_child_ended(Result<void> result) {
  MCPWIRE_CHECK(running_ > 0);
  --running_;
  if (!result.has_value() && first_failure_ == nullptr) {
    first_failure_ = std::make_unique<Error>(std::move(result).error());
    cancel_scope_.cancel(CancelCause::kSiblingFailed);
  }
  // Posted, not resumed: the driver's frame has to end before the scope may.
  if (running_ == 0 && waiter_) loop_.post(*this);
}

Result<void> Scope::JoinAwaiter::await_resume() const {
  scope.waiter_ = nullptr;
  if (scope.first_failure_ != nullptr) return fail(*scope.first_failure_);
  return {};
}

}  // namespace mcpwire::io
