// SPDX-License-Identifier: MIT
//
// Services: what a session needs of the daemon around it, named once and passed down.
// Threading: the loop's thread. Everything here outlives every session.
#pragma once

#include "daemon/configuration_store.hpp"
#include "daemon/log.hpp"
#include "daemon/totals.hpp"
#include "parallel/executor.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/json/value.hpp"
#include "protocol/params.hpp"
#include "telemetry/counters.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace mcpwire::daemon {

class LogLevels;
class Neighbours;
class SubscriptionHub;

/// Facts of this daemon process that do not change.
struct DaemonFacts {
  std::uint64_t instance = 0;  ///< Random.
  std::uint64_t started_ns = 0;
  std::uint32_t kernel_features = 0;
  std::string runtime_directory;
  std::uint32_t shards = 1;
  std::string io_backend;
  std::string warning;  ///< What this daemon does without; empty: nothing.
};

struct Services {
  EventLoop& loop;
  pool::ConnectionPool& pool;
  parallel::ParallelExecutor& executor;
  ConfigurationStore& configurations;
  telemetry::DaemonCounters& counters;
  Log& log;
  DaemonFacts facts;
  /// Begins the orderly end of the daemon; returns at once.
  std::function<void()> request_shutdown;
  /// One for all requests: its buffers are made once, not for each call. Never held across an
  /// await.
  protocol::json::ValueReader values{};
  /// For what takes long; null: it is done on the loop.
  io::HelperThread* helper = nullptr;
  /// Null: nobody can listen to servers.
  SubscriptionHub* subscriptions = nullptr;
  /// Null: a client's level is its server's, for all.
  LogLevels* log_levels = nullptr;
  /// What status tells of this loop; null: what the fields above know.
  std::function<DaemonTotals()> totals{};
  /// Null in a daemon with one loop.
  const Neighbours* neighbours = nullptr;
};

}  // namespace mcpwire::daemon
