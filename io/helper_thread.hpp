// SPDX-License-Identifier: MIT
//
// HelperThread: one thread beside the loop for what would hold the loop longer than 200 us
// (planning, large documents, fsync). A hop there and back costs two wake-ups, 30 to 40 us.
//
// Threading: all calls on the loop's thread; the function given to run() runs on the helper and
// must not touch anything of the loop's.
// Invariants: a job outlives its waiter: a cancelled waiter leaves at once, the job is freed when
// the helper has let go of it; the result is delivered on the loop or not at all.
#pragma once

#include "io/cancel.hpp"
#include "io/loop.hpp"
#include "io/loop_inbox.hpp"
#include "io/one_shot.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace mcpwire::io {

namespace detail {

/// A function on its way to the helper thread and its result on the way back.
class HelperJob : public InboxWork {
 public:
  virtual ~HelperJob() = default;
  /// On the helper thread.
  virtual void execute() = 0;
  /// On the loop: hands the result, or this failure, to the waiter if there still is one.
  virtual void deliver(const Error* failure) = 0;

  std::atomic<bool> is_abandoned{false};
  class HelperQueues* queues = nullptr;

 private:
  void run_on_loop() final;
};

}  // namespace detail

struct HelperThreadOptions {
  std::size_t jobs_max = 64;  ///< Queued, running and undelivered together.
};

class HelperThread {
 public:
  static Result<std::unique_ptr<HelperThread>> create(Loop& loop,
                                                      const HelperThreadOptions& options = {});
  /// As stop().
  ~HelperThread();
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  /// Runs `function`, which returns a Result<T>, on the helper and gives its result.
  /// ErrorCode::kQueueFull beyond the limit, the scope's error when it is cancelled while the job
  /// is queued (then it never runs) or running (then its result is dropped), kShuttingDown when
  /// the helper is stopped first.
  template <class F>
  task<std::invoke_result_t<F&>> run(CancelScope& scope, F function);

  /// Waits for the job that runs now, gives up those that are queued, joins the thread.
  void stop();

  /// Jobs that are queued, running or not yet delivered.
  std::size_t jobs() const noexcept;

 private:
  explicit HelperThread(std::unique_ptr<detail::HelperQueues> queues) noexcept;
  /// Takes the job unless the limit is reached or the helper stopped.
  Result<void> submit(std::unique_ptr<detail::HelperJob>& job);
  Loop& loop() const noexcept;

  std::unique_ptr<detail::HelperQueues> queues_;
};

namespace detail {

template <class F>
class TypedHelperJob final : public HelperJob {
 public:
  using Outcome = std::invoke_result_t<F&>;
  using Shot = OneShot<typename Outcome::value_type>;

  /// The waiter's half, in the waiting coroutine's frame.
  struct Waiter {
    explicit Waiter(EventLoop& loop) noexcept : shot(loop) {}
    Shot shot;
    TypedHelperJob* job = nullptr;
  };

  TypedHelperJob(F function, Waiter& waiter) : function_(std::move(function)), waiter_(&waiter) {
    waiter.job = this;
  }

  void abandon() noexcept {
    waiter_ = nullptr;
    is_abandoned.store(true, std::memory_order_relaxed);
  }

  void execute() override { outcome_.emplace(function_()); }

  void deliver(const Error* failure) override {
    if (waiter_ == nullptr) return;
    waiter_->job = nullptr;
    if (failure != nullptr) {
      waiter_->shot.resolve(fail(*failure));
    } else {
      waiter_->shot.resolve(*std::move(outcome_));
    }
  }

 private:
  F function_;
  Waiter* waiter_;
  std::optional<Outcome> outcome_;
};

}  // namespace detail

// The helper and the scope outlive every task that uses them.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
template <class F>
task<std::invoke_result_t<F&>> HelperThread::run(CancelScope& scope, F function) {
  using Job = detail::TypedHelperJob<F>;
  using Outcome = std::invoke_result_t<F&>;
  if (scope.is_cancelled()) co_return fail(error_of(scope.cause()));
  typename Job::Waiter waiter(loop());
  std::unique_ptr<detail::HelperJob> job = std::make_unique<Job>(std::move(function), waiter);
  Result<void> submitted = submit(job);
  if (!submitted.has_value()) co_return fail(std::move(submitted).error());
  Outcome outcome = co_await waiter.shot.wait(scope);
  if (waiter.job != nullptr) waiter.job->abandon();
  co_return outcome;
}

}  // namespace mcpwire::io
