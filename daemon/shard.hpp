// SPDX-License-Identifier: MIT
//
// Shard: one loop of the daemon with everything on it: its clients, its servers, its
// configurations. A daemon has one; with `--shards N` it has N, each on a thread of its own, and a
// server belongs to the one that its identity leads to (docs/adr/0015-shards.md).
//
// Threading: created, run and destroyed on one thread, which becomes its loop's. That thread lives
// until its servers have ended: children are killed when the thread that started them ends.
// Invariants: what others send it runs on its loop; nothing of it is touched from elsewhere.
#pragma once

#include "daemon/era_verdicts.hpp"
#include "daemon/log.hpp"
#include "daemon/log_levels.hpp"
#include "daemon/neighbours.hpp"
#include "daemon/options.hpp"
#include "daemon/remote_link.hpp"
#include "daemon/services.hpp"
#include "daemon/session.hpp"
#include "daemon/shard_groups.hpp"
#include "daemon/sharded_factory.hpp"
#include "daemon/subscription_exchange.hpp"
#include "daemon/subscriptions.hpp"
#include "daemon/totals.hpp"
#include "daemon/transport_factory.hpp"
#include "io/cgroup_tree.hpp"
#include "io/client_channel.hpp"
#include "io/guardian.hpp"
#include "io/helper_thread.hpp"
#include "io/loop.hpp"
#include "io/one_shot.hpp"
#include "io/process_spawner.hpp"
#include "io/scope.hpp"
#include "io/shard_mail.hpp"
#include "io/system_file_system.hpp"
#include "io/task.hpp"
#include "parallel/executor.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"
#include "telemetry/counters.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace mcpwire::daemon {

/// What a shard has to do with the daemon around it. All of it outlives the shard.
struct ShardSurroundings {
  const DaemonOptions& options;
  Log& log;
  DaemonFacts facts;
  /// Called on the shard's loop. Begins the orderly end of the daemon; returns at once.
  std::function<void()> request_shutdown;
  /// Called on the shard's loop when a client or its last server is gone.
  std::function<void()> on_change;
  std::size_t number = 0;
  /// With more than one shard; else null.
  io::ShardMail* mail = nullptr;
  ShardPlaces* places = nullptr;
  /// For a shard whose thread is not the process's first one; else null.
  ShardGroups* groups = nullptr;
};

/// What keeps a shard, and so the daemon, from being idle.
struct ShardUse {
  bool has_clients = false;
  bool has_servers = false;
};

class Shard final : private Session::Owner {
 public:
  /// What can fail of it.
  struct Parts {
    std::unique_ptr<io::Loop> loop;
    std::unique_ptr<io::CgroupTree> cgroups;  ///< Null where servers can have none.
    std::unique_ptr<io::Guardian> guardian;
    std::unique_ptr<io::HelperThread> helper;
  };

  Shard(ShardSurroundings surroundings, Parts parts);
  ~Shard();

  io::Loop& loop() noexcept { return *parts_.loop; }
  io::HelperThread& helper() noexcept { return *parts_.helper; }
  /// Null in a daemon with one shard.
  io::ShardPort* port() noexcept { return port_.has_value() ? &*port_ : nullptr; }

  /// A task of its end; `then` is called when that has ended.
  using Step = io::task<void> (Shard::*)();
  void run_step(Step step, std::function<void()> then);

  void start();
  /// Serves this client from here on, or turns it away.
  void take_client(UniqueFd socket);
  /// Clients that came so far, those that were turned away included.
  std::uint64_t taken() const noexcept { return taken_; }
  std::size_t number() const noexcept { return surroundings_.number; }
  void set_wake_price(std::uint64_t wake_ns) noexcept { channels_.set_wake_price(wake_ns); }
  ShardUse use() const noexcept { return {counters_.clients != 0, pool_.active_count() != 0}; }

  // The end, in this order; each step of all shards before the next one of any.

  /// Answers what is given up, lets the clients go and forgets the configurations.
  io::task<void> end_clients();
  /// Stops the servers; until then other shards are answered.
  io::task<void> end_servers();
  /// Waits for what was begun for other shards.
  io::task<void> end_visits();

 private:
  io::ChannelHostOptions channel_options();
  ProcessSpawner& spawner();
  void join_others();
  io::task<Result<void>> take_step(Step step, std::function<void()> then);
  DaemonTotals totals() const;
  void on_session_closing(Session& session) override;
  io::task<Result<void>> end_session(std::unique_ptr<Session> session);

  ShardSurroundings surroundings_;
  Parts parts_;
  EventLoop& loop_;
  std::optional<io::ShardPort> port_;
  io::Scope visits_;  ///< What other loops asked for.
  io::Scope steps_;
  std::optional<Neighbours> neighbours_;
  telemetry::DaemonCounters counters_;
  io::SystemFileSystem files_;
  SystemClock clock_;
  io::UringProcessSpawner own_spawner_;
  std::optional<ElsewhereSpawner> elsewhere_spawner_;
  DiskEraVerdicts verdicts_;
  ServerTransports transports_;
  ShardedFactory factory_;
  pool::ConnectionPool pool_;
  SubscriptionHub subscriptions_;
  std::optional<SubscriptionExchange> exchange_;
  LogLevels log_levels_;
  parallel::ParallelExecutor executor_;
  ConfigurationStore configurations_;
  Services services_;
  io::ChannelHost channels_;
  io::Scope endings_;                ///< One task per session that ends.
  IntrusiveList<Session> sessions_;  ///< Owned, until they end.
  io::OneShot<void> no_sessions_;
  std::uint64_t taken_ = 0;
  bool is_ending_ = false;
};

}  // namespace mcpwire::daemon
