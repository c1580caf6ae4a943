// SPDX-License-Identifier: MIT
//
// StrayChildren: processes that left their server's group (setsid, a double fork) and lost their
// parent. The kernel gives them to us instead of init, so that they end when their server does.
//
// Whose a stray was is known only by its session. One in a session of its own is therefore left
// alone while any server runs, and ends with the last of them or with the daemon; where servers
// have cgroups (io/cgroup_tree.hpp) it ends with its own. When the daemon is killed (SIGKILL), its
// warden ends all strays (io/warden.hpp).
//
// Threading: the loop's thread, which must be the first thread of the process: the kernel hands
// strays to that one.
// Invariants: every child of ours is a registered group's leader, the guardian, or a stray; each
// stray that ends is reaped, and nothing else is.
#pragma once

#include "io/fd_watcher.hpp"
#include "io/guardian.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/unique_fd.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

namespace mcpwire::io {

class StrayChildren final : private FdWatcher::Observer,
                            private Guardian::GroupObserver,
                            private Runnable {
 public:
  /// Makes this process the one that strays are given to. REQUIRES: no other thread exists yet
  /// (SIGCHLD has to be blocked in all of them). kUnsupported where the kernel does not list a
  /// process's children.
  static Result<std::unique_ptr<StrayChildren>> adopt(Loop& loop, Guardian& guardian);
  /// As end_all_blocking().
  ~StrayChildren();

  /// Kills all strays and those they leave behind, and waits for their ends, a second at most.
  /// REQUIRES: no server runs.
  void end_all_blocking() noexcept;

  /// Servers of other threads, which have guardians of their own: while there are any, strays are
  /// left alone. `count` outlives this and may be changed by its thread at any time.
  void watch_groups_elsewhere(const std::atomic<std::size_t>& count) {
    elsewhere_.push_back(&count);
  }
  /// As Guardian::GroupObserver::on_group_ended(), for one of those.
  void note_group_elsewhere_ended(std::int32_t group_id) { on_group_ended(group_id); }

 private:
  StrayChildren(Loop& loop, Guardian& guardian, UniqueFd signals);

  void on_ready(unsigned events) override;
  void on_group_ended(std::int32_t group_id) override;
  void run() override { static_cast<void>(look()); }
  std::vector<std::int32_t> look() noexcept;
  bool is_stray(std::int32_t process_id) const noexcept;
  bool is_condemned(std::int32_t session) const noexcept;
  bool has_groups() const noexcept;

  Loop& loop_;
  Guardian& guardian_;
  std::vector<const std::atomic<std::size_t>*> elsewhere_;
  UniqueFd signals_;
  FdWatcher watcher_;
  std::unordered_set<std::int32_t> ended_sessions_;  ///< Of groups that ended; may have strays.
};

}  // namespace mcpwire::io
