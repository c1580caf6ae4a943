// SPDX-License-Identifier: MIT
//
// ShardThread: the thread of a shard that is not the first.
//
// Threading: used on the first thread. What it is given to make the shard is called on the new one.
// Invariants: the shard exists from the end of start() until finish(); it runs from let_run() on.
#pragma once

#include "daemon/shard.hpp"
#include "protocol/base/result.hpp"

#include <functional>
#include <future>
#include <memory>
#include <thread>

namespace mcpwire::daemon {

class ShardThread {
 public:
  /// Makes the thread, and on it the shard; waits until that is done.
  static Result<std::unique_ptr<ShardThread>> start_blocking(
      std::function<Result<std::unique_ptr<Shard>>()> make);
  /// A shard that never ran goes as it is.
  ~ShardThread();
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;

  /// Not to be touched here: things are sent to its loop.
  Shard& shard() const noexcept { return *shard_; }
  void let_run();
  /// Waits for the end of a loop that was told to stop, and of the shard.
  void finish_blocking();

 private:
  ShardThread() = default;
  void work(const std::function<Result<std::unique_ptr<Shard>>()>& make,
            std::promise<Result<Shard*>>& made);

  Shard* shard_ = nullptr;
  std::promise<bool> may_run_;
  bool is_decided_ = false;
  std::thread thread_;
};

}  // namespace mcpwire::daemon
