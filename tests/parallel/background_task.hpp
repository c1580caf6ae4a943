// SPDX-License-Identifier: MIT
//
// BackgroundTask: a task that runs on a test's loop while the test goes on.
// wait_virtually: time that passes for a task when the test moves its loop's clock.
// Threading: the loop's thread.
#pragma once

#include "io/cancel.hpp"
#include "io/one_shot.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace mcpwire::test_support {

template <class T>
class BackgroundTask {
 public:
  /// Starts `work` and returns at its first suspension. It must have ended before the destructor
  /// runs (checked by the scope).
  BackgroundTask(EventLoop& loop, io::task<T> work) : scope_(loop) {
    scope_.spawn(keep(std::move(work), value_));
  }

  bool has_ended() const noexcept { return value_.has_value(); }
  /// REQUIRES: has_ended().
  T& value() {
    MCPWIRE_CHECK(value_.has_value());
    return *value_;
  }

 private:
  // `value` is this object's and outlives the coroutine: the scope is destroyed first.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  static io::task<Result<void>> keep(io::task<T> work, std::optional<T>& value) {
    value.emplace(co_await std::move(work));
    co_return Result<void>{};
  }

  std::optional<T> value_;
  io::Scope scope_;
};

/// Ends at `deadline_ns` of the loop's clock (kNever: not by itself), or when `scope` is cancelled.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
inline io::task<Result<void>> wait_virtually(EventLoop& loop, io::CancelScope& scope,
                                             std::uint64_t deadline_ns) {
  struct Alarm final : Timer {
    explicit Alarm(io::OneShot<void>& target) noexcept : shot(target) {}
    void on_timer() override { shot.resolve({}); }
    io::OneShot<void>& shot;
  };
  io::OneShot<void> shot(loop);
  Alarm alarm(shot);
  if (deadline_ns != kNever) loop.arm(alarm, deadline_ns);
  co_return co_await shot.wait(scope);
}

}  // namespace mcpwire::test_support
