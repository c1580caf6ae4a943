// SPDX-License-Identifier: MIT
//
// ShardGroups and ElsewhereSpawner: servers of a loop whose thread is not the process's first one.
// Each such loop has a guardian of its own for them; the first thread, to which the kernel gives
// strays, has to know when servers run elsewhere and whose session has ended.
//
// Threading: ShardGroups belongs to all; the spawner to its loop's thread.
#pragma once

#include "io/guardian.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace mcpwire::daemon {

struct ShardGroups {
  /// Servers of one loop that run or are about to. A look that comes late leaves a stray alone for
  /// a moment longer.
  std::atomic<std::size_t> count{0};
  /// Called on the loop of the group's guardian, before its leader is reaped.
  std::function<void(std::int32_t)> on_ended;
};

class ElsewhereSpawner final : public ProcessSpawner, private io::Guardian::GroupObserver {
 public:
  /// All of them outlive the spawner.
  ElsewhereSpawner(ProcessSpawner& spawner, io::Guardian& guardian, ShardGroups& groups);
  ~ElsewhereSpawner();

  Result<std::unique_ptr<ChildProcess>> spawn(const SpawnRequest& request) override;

 private:
  void on_group_ended(std::int32_t group_id) override;

  ProcessSpawner& spawner_;
  io::Guardian& guardian_;
  ShardGroups& groups_;
};

}  // namespace mcpwire::daemon
