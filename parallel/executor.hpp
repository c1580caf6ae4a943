// SPDX-License-Identifier: MIT
//
// ParallelExecutor: runs the same work on many items, at most `concurrency_limit` at a time, and
// reports each item's success or failure apart. A failing item never stops the others.
// It takes any callable that returns a task, so it serves the daemon (whose callable asks the
// pool) and a program that talks to servers directly.
//
// Threading: the loop's thread.
// Invariants: the limit holds over all runs of one executor; items start in their order.
#pragma once

#include "io/cancel.hpp"
#include "io/scope.hpp"
#include "io/semaphore.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace mcpwire::parallel {

/// The end of one item.
template <class T>
struct Finished {
  Result<T> result;
  /// From the moment the item was let through, or given up, to its end. Waiting is not counted.
  std::uint64_t duration_ns = 0;
};

class ParallelExecutor {
 public:
  /// The mission's default.
  static constexpr std::size_t kDefaultConcurrency = 5;

  /// REQUIRES: concurrency_limit >= 1.
  explicit ParallelExecutor(EventLoop& loop, std::size_t concurrency_limit = kDefaultConcurrency)
      : loop_(loop), concurrency_limit_(concurrency_limit), permits_(loop, concurrency_limit) {}

  std::size_t concurrency_limit() const noexcept { return concurrency_limit_; }

  /// Calls `work(item, scope)`, which returns task<Result<T>>, for every item and returns the ends
  /// in the order of the items. Items not yet let through when `scope` is cancelled end with its
  /// error and are never started. All three arguments must outlive the returned task.
  template <class T, class Item, class Work>
  io::task<std::vector<Finished<T>>> run(io::CancelScope& scope,
                                         const std::vector<Item>& items,  // outlives: see above
                                         const Work& work);               // outlives: see above

 private:
  template <class T, class Item, class Work>
  io::task<Result<void>> run_one(io::CancelScope& scope,
                                 const Item& item,  // outlives: run() joins it
                                 const Work& work,  // outlives: run() joins it
                                 std::optional<Finished<T>>& end);

  EventLoop& loop_;
  std::size_t concurrency_limit_;
  io::Semaphore permits_;
};

// Implementation details follow.
// The reference parameters below live in the caller's frame, which awaits these tasks.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

template <class T, class Item, class Work>
io::task<std::vector<Finished<T>>> ParallelExecutor::run(io::CancelScope& scope,
                                                         const std::vector<Item>& items,
                                                         const Work& work) {
  std::vector<std::optional<Finished<T>>> ends(items.size());
  io::Scope children(loop_, scope);
  for (std::size_t index = 0; index < items.size(); ++index) {
    children.spawn(run_one<T>(children.cancel_scope(), items[index], work, ends[index]));
  }
  const Result<void> joined = co_await children.join();
  MCPWIRE_CHECK(joined.has_value());  // run_one keeps failures in `end`

  std::vector<Finished<T>> finished;
  finished.reserve(ends.size());
  for (std::optional<Finished<T>>& end : ends) finished.push_back(*std::move(end));
  co_return finished;
}

template <class T, class Item, class Work>
io::task<Result<void>> ParallelExecutor::run_one(io::CancelScope& scope, const Item& item,
                                                 const Work& work,
                                                 std::optional<Finished<T>>& end) {
  Result<void> permit = co_await permits_.acquire(scope);
  // Let through and cancelled in one turn: the place goes on, the item is not begun.
  if (permit.has_value() && scope.is_cancelled()) {
    permits_.release();
    permit = fail(io::error_of(scope.cause()));
  }
  if (!permit.has_value()) {
    end.emplace(fail(std::move(permit).error()), 0);
    co_return Result<void>{};
  }
  const std::uint64_t started_ns = loop_.now_ns();
  Result<T> result = co_await work(item, scope);
  permits_.release();
  end.emplace(std::move(result), loop_.now_ns() - started_ns);
  co_return Result<void>{};
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

}  // namespace mcpwire::parallel
