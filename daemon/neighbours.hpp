// SPDX-License-Identifier: MIT
//
// Neighbours: what a handler on one loop learns of the other loops of the daemon.
//
// Threading: the asking loop's thread.
// Invariants: an answer comes, because loops run until every client of the daemon has ended.
#pragma once

#include "daemon/remote_link.hpp"
#include "daemon/totals.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"

#include <cstddef>
#include <string>

namespace mcpwire::daemon {

class Neighbours {
 public:
  /// `places` outlives it; this loop is number `own` of them.
  Neighbours(const ShardPlaces& places, std::size_t own) noexcept : places_(places), own_(own) {}

  /// Of all loops, this one included.
  io::task<DaemonTotals> totals() const;
  /// What the owner of the server knows of it.
  io::task<pool::ServerSnapshot> snapshot(std::string identity) const;

 private:
  const ShardPlaces& places_;
  std::size_t own_;
};

}  // namespace mcpwire::daemon
