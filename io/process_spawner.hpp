// SPDX-License-Identifier: MIT
//
// UringProcessSpawner: real child processes. Each is the leader of its own session and process
// group, is registered with the guardian before it executes, and holds no descriptor of ours but
// its three standard streams.
//
// Threading: the loop's thread, which must live as long as the process: children are killed when
// it ends.
// Invariants: at a child's exit its whole group is killed before the leader is reaped, while the
// group's id cannot belong to anybody else, and its cgroup is ended where it has one.
#pragma once

#include "io/cgroup_tree.hpp"
#include "io/guardian.hpp"
#include "io/loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <memory>

namespace mcpwire::io {

class UringProcessSpawner final : public ProcessSpawner {
 public:
  /// All outlive the spawner and all its children. Without `cgroups` servers get none.
  UringProcessSpawner(Loop& loop, Guardian& guardian, CgroupTree* cgroups = nullptr) noexcept
      : loop_(loop), guardian_(guardian), cgroups_(cgroups) {}

  /// Errors: kConfiguration/kCommandNotFound if the program (or its interpreter) does not exist,
  /// kConfiguration/kSpawnFailed if it or the directory cannot be used, kOverloaded if the machine
  /// has no process or descriptor left. The text says what failed.
  /// Destroying a running child kills its group and waits until the kernel has ended its leader.
  Result<std::unique_ptr<ChildProcess>> spawn(const SpawnRequest& request) override;

 private:
  Loop& loop_;
  Guardian& guardian_;
  CgroupTree* cgroups_;
};

}  // namespace mcpwire::io
