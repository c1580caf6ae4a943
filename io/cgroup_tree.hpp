// SPDX-License-Identifier: MIT
//
// CgroupTree: a cgroup (version 2) for each server, below one of the daemon's own. What a server
// starts stays in its cgroup whatever session, group or parent it takes, so that ending the cgroup
// ends all of it at once, and limits hold for all of it together.
// The one decision: it is optional. Where the daemon may make no cgroups, servers are ended by
// process group (io/process_spawner.hpp, io/stray_children.hpp) and limited by rlimits.
//
// Threading: the loop's thread.
// Invariants: a directory that was made is removed, at the latest by the destructor, by the
// guardian after a death of the daemon (end_cgroups_blocking), or by the next daemon.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/spawn_request.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mcpwire::io {

class CgroupTree;

/// One server's. Ends everything in it when it is destroyed; its directory goes as soon as it can.
class ServerCgroup {
 public:
  ServerCgroup() noexcept = default;
  ServerCgroup(ServerCgroup&& other) noexcept;
  ServerCgroup& operator=(ServerCgroup&& other) noexcept;
  ~ServerCgroup() { end(); }

  explicit operator bool() const noexcept { return tree_ != nullptr; }
  const std::string& path() const noexcept { return path_; }
  /// Its directory, for clone3.
  int directory_fd() const noexcept { return directory_.get(); }
  /// Kills all that is in it. Afterwards it is empty.
  void end() noexcept;

 private:
  friend class CgroupTree;
  CgroupTree* tree_ = nullptr;
  std::string path_;
  UniqueFd directory_;
};

class CgroupTree final : private Timer {
 public:
  /// Below the cgroup that this process is in. kUnsupported where that cannot be. A process that
  /// has several of them gives each a number.
  static Result<std::unique_ptr<CgroupTree>> create(EventLoop& loop, std::size_t number = 0);
  /// The same below `parent`, a directory of a mounted cgroup2.
  static Result<std::unique_ptr<CgroupTree>> create_below(EventLoop& loop, std::string parent,
                                                          std::size_t number = 0);
  /// REQUIRES: no ServerCgroup is left. Waits for processes that are just ending, a second at most.
  ~CgroupTree();
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;

  /// A new one with the limits that it can carry.
  Result<ServerCgroup> make(const ProcessLimits& limits);

  bool can_limit_memory() const noexcept { return has_memory_; }
  bool can_limit_processes() const noexcept { return has_pids_; }
  const std::string& path() const noexcept { return path_; }

 private:
  friend class ServerCgroup;
  CgroupTree(EventLoop& loop, std::string parent, std::string path);

  void enable_controllers();
  void remove_later(std::string path);
  void on_timer() override;

  EventLoop& loop_;
  std::string parent_;
  std::string path_;
  std::vector<std::string> ended_;        ///< Directories that could not be removed yet.
  std::vector<std::string> controllers_;  ///< Enabled by us in the parent.
  std::uint64_t next_ = 1;
  bool has_memory_ = false;
  bool has_pids_ = false;
};

/// For who outlives the daemon: ends all that is below `path` (a tree's) and removes it, waiting
/// for `patience_ns` at most. Empty: does nothing.
void end_cgroups_blocking(const std::string& path, std::uint64_t patience_ns) noexcept;

}  // namespace mcpwire::io
