// SPDX-License-Identifier: MIT
#include "daemon/shard_groups.hpp"

namespace mcpwire::daemon {

ElsewhereSpawner::ElsewhereSpawner(ProcessSpawner& spawner, io::Guardian& guardian,
                                   ShardGroups& groups)
    : spawner_(spawner), guardian_(guardian), groups_(groups) {
  guardian_.observe_groups(this);
}

ElsewhereSpawner::~ElsewhereSpawner() { guardian_.observe_groups(nullptr); }

Result<std::unique_ptr<ChildProcess>> ElsewhereSpawner::spawn(const SpawnRequest& request) {
  // Before there is anything that it could leave behind.
  groups_.count.store(guardian_.groups() + 1, std::memory_order_relaxed);
  Result<std::unique_ptr<ChildProcess>> child = spawner_.spawn(request);
  groups_.count.store(guardian_.groups(), std::memory_order_relaxed);
  return child;
}

void ElsewhereSpawner::on_group_ended(std::int32_t group_id) {
  groups_.count.store(guardian_.groups(), std::memory_order_relaxed);
  if (groups_.on_ended) groups_.on_ended(group_id);
}

}  // namespace mcpwire::daemon
