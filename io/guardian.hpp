// SPDX-License-Identifier: MIT
//
// Guardian: the daemon's side of the process that outlives it to kill its servers
// (io/guardian_main.hpp). Every child registers itself with its first system call, so there is no
// instant at which a death of the daemon could leave one behind.
//
// Threading: the loop's thread.
// Invariants: a group is taken off the list before its leader is reaped, while its id cannot yet
// belong to anybody else; a guardian that dies is replaced and told all groups again.
#pragma once

#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace mcpwire::io {

/// How this program is started as a guardian: it must then call guardian_main(0, ...).
struct GuardianOptions {
  std::string program = "/proc/self/exe";
  std::vector<std::string> arguments;  ///< Behind argv[0].
};

class Guardian final : private FdWatcher::Observer, private Timer {
 public:
  /// Starts the guardian process. Errors: kSpawnFailed.
  static Result<std::unique_ptr<Guardian>> start(Loop& loop, GuardianOptions options);
  /// Ends the guardian process; groups that are still registered are killed.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  /// Where a child writes its own id as a detail::GuardianRecord. -1 while there is no guardian:
  /// the group is told as soon as there is one.
  int registration_fd() const noexcept { return pipe_.get(); }

  enum class Registered : std::uint8_t { kNo, kYes };
  /// A child was started; kNo if it could not register itself.
  void on_group_started(std::int32_t group_id, Registered registered);
  /// A group was killed; its leader is not reaped yet.
  void on_group_ended(std::int32_t group_id);

  class GroupObserver {
   public:
    /// As Guardian::on_group_ended(), for groups that were registered.
    virtual void on_group_ended(std::int32_t group_id) = 0;

   protected:
    ~GroupObserver() = default;
  };
  /// Null: nobody any more.
  void observe_groups(GroupObserver* observer) noexcept { group_observer_ = observer; }

  /// 0 while there is none.
  std::int32_t process_id() const noexcept { return process_id_; }
  std::size_t groups() const noexcept { return groups_.size(); }
  bool has_group(std::int32_t group_id) const noexcept { return groups_.contains(group_id); }

 private:
  Guardian(Loop& loop, GuardianOptions options) noexcept;
  Result<void> start_process();
  void replace();
  void end_process() noexcept;
  bool tell(std::int32_t record) noexcept;
  void on_ready(unsigned events) override;
  void on_timer() override { replace(); }

  Loop& loop_;
  GuardianOptions options_;
  std::unordered_set<std::int32_t> groups_;
  GroupObserver* group_observer_ = nullptr;
  UniqueFd pipe_;
  UniqueFd pidfd_;
  std::optional<FdWatcher> watcher_;
  std::int32_t process_id_ = 0;
  std::uint64_t started_ns_ = 0;
};

}  // namespace mcpwire::io
