// SPDX-License-Identifier: MIT
//
// LoopInbox: how other threads hand work to the loop. A bounded lock-free queue and one eventfd,
// which is written at most once between two looks of the loop.
//
// Threading: try_push() on any thread; everything else on the loop's.
// Ordering: what a thread did before try_push() has happened before run_on_loop(). That order
// comes from the queue and from // SYNC [inbox-wake], never from the eventfd.
#pragma once

#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <atomic>
#include <cstddef>
#include <memory>

namespace mcpwire::io {

/// Owned by whoever pushes it, until it has run.
class InboxWork {
 public:
  virtual void run_on_loop() = 0;

 protected:
  ~InboxWork() = default;
};

class LoopInbox final : private FdWatcher::Observer, private Runnable {
 public:
  /// Holds up to `capacity` pieces of work, at most 65534.
  static Result<std::unique_ptr<LoopInbox>> create(Loop& loop, std::size_t capacity);
  /// Work still queued is not run. REQUIRES: no thread pushes any more.
  ~LoopInbox();
  LoopInbox(const LoopInbox&) = delete;
  LoopInbox& operator=(const LoopInbox&) = delete;

  /// False when it is full. Never blocks.
  [[nodiscard]] bool try_push(InboxWork& work) noexcept;

  /// Runs all that is queued now. For a shutdown, when the loop turns no more.
  void run_pending();

 private:
  struct Queue;
  LoopInbox(Loop& loop, UniqueFd wake_fd, std::size_t capacity);
  void on_ready(unsigned events) override;
  void run() override;
  bool run_batch();

  Loop& loop_;
  UniqueFd wake_fd_;
  FdWatcher watcher_;
  std::unique_ptr<Queue> queue_;
  /// The eventfd was written and the loop has not looked since.
  std::atomic<bool> wake_pending_{false};
};

}  // namespace mcpwire::io
