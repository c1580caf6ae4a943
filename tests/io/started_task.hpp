// SPDX-License-Identifier: MIT
//
// StartedTask: runs a task from a test that is no coroutine itself, and keeps its result.
#pragma once

#include "io/scope.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <optional>
#include <utility>

namespace mcpwire::io {

template <class T>
class StartedTask {
 public:
  StartedTask(EventLoop& loop, task<T> work) : scope_(loop) {
    scope_.spawn(keep(std::move(work), &result_));
  }
  bool is_done() const noexcept { return result_.has_value(); }
  /// REQUIRES: is_done().
  T& result() { return result_.value(); }

 private:
  static task<Result<void>> keep(task<T> work, std::optional<T>* result) {
    result->emplace(co_await std::move(work));
    co_return Result<void>{};
  }

  std::optional<T> result_;
  Scope scope_;
};

}  // namespace mcpwire::io
