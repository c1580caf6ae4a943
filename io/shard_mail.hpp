// SPDX-License-Identifier: MIT
//
// ShardMail: how the loops of one process hand work to each other: a lock-free queue with one
// writer and one reader for each ordered pair of them, and an eventfd for each that sleeps.
// ShardPort: one loop's end of all its queues.
//
// Threading: a port on its loop's thread; the mail is created before the threads and destroyed
// after them.
// Ordering: what one port sends to another runs there in the order of sending, and what the sender
// did before has happened before it runs. That order comes from the queues, never from the eventfd;
// that no sleeper is missed, from // SYNC [shard-wake].
// Invariants: nobody waits: what a full queue does not take is kept by its sender, who offers it
// again in each turn (its callers bound how much that can be).
#pragma once

#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace mcpwire::io {

/// Runs once on the other loop; destroyed unrun if that loop has ended. Captures nothing that only
/// the sender may touch.
using ShardWork = std::move_only_function<void()>;

class ShardMail {
 public:
  /// Errors: the eventfds of the loops cannot be made.
  static Result<std::unique_ptr<ShardMail>> create(std::size_t shards);
  ~ShardMail();
  ShardMail(const ShardMail&) = delete;
  ShardMail& operator=(const ShardMail&) = delete;

  std::size_t shards() const noexcept;

 private:
  friend class ShardPort;
  struct Lane;
  struct Bell;
  ShardMail();
  Lane& lane(std::size_t from, std::size_t to) noexcept;

  std::vector<std::unique_ptr<Lane>> lanes_;  ///< By sender, then by receiver.
  std::vector<std::unique_ptr<Bell>> bells_;  ///< By receiver.
};

class ShardPort final : private Poller, private FdWatcher::Observer {
 public:
  /// The end number `own`. Loop and mail outlive it.
  ShardPort(Loop& loop, ShardMail& mail, std::size_t own);
  ~ShardPort();
  ShardPort(const ShardPort&) = delete;
  ShardPort& operator=(const ShardPort&) = delete;

  std::size_t own() const noexcept { return own_; }
  std::size_t shards() const noexcept { return mail_.shards(); }

  /// Runs `work` on loop number `to`, which may be this one: then in the next turn.
  void send(std::size_t to, ShardWork work);

 private:
  bool poll() override;
  bool prepare_park() override;
  void unpark(LoopSlept slept) override;
  void on_ready(unsigned events) override;
  bool deliver_backlog();

  Loop& loop_;
  ShardMail& mail_;
  std::size_t own_;
  FdWatcher watcher_;
  std::vector<std::deque<ShardWork*>> backlog_;  ///< By receiver: what its queue had no room for.
  std::size_t kept_ = 0;                         ///< In all of backlog_.
};

}  // namespace mcpwire::io
