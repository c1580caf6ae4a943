// SPDX-License-Identifier: MIT
//
// McpRuntime: the daemon as a whole. It owns the loop and everything on it, lets clients in, and
// ends in order: no new clients, requests given up, servers stopped by the ladder, socket removed.
//
// Threading: created, run and destroyed on one thread, which becomes the loop's.
// Invariants: the instance lock is held from before the socket exists until after it is gone.
#pragma once

#include "daemon/era_verdicts.hpp"
#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/services.hpp"
#include "daemon/session.hpp"
#include "daemon/subscriptions.hpp"
#include "daemon/transport_factory.hpp"
#include "io/cgroup_tree.hpp"
#include "io/client_channel.hpp"
#include "io/guardian.hpp"
#include "io/helper_thread.hpp"
#include "io/loop.hpp"
#include "io/one_shot.hpp"
#include "io/process_spawner.hpp"
#include "io/scope.hpp"
#include "io/seqpacket_listener.hpp"
#include "io/signal_watcher.hpp"
#include "io/stray_children.hpp"
#include "io/system_file_system.hpp"
#include "io/task.hpp"
#include "parallel/executor.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/runtime_directory.hpp"
#include "telemetry/counters.hpp"

#include <memory>

namespace mcpwire::daemon {

class McpRuntime final : private io::SeqpacketListener::Observer,
                         private io::SignalWatcher::Observer,
                         private Session::Owner {
 public:
  /// Takes the instance lock, starts guardian and helper thread and listens. After this clients can
  /// connect; they are served by run(). Fails with what must be told to whoever starts the daemon.
  static Result<std::unique_ptr<McpRuntime>> create(const DaemonOptions& options);
  ~McpRuntime();

  /// Serves until a signal, a shutdown request or idleness, then cleans up.
  void run();

 private:
  struct IdleTimer final : Timer {
    explicit IdleTimer(McpRuntime& owner) noexcept : runtime(owner) {}
    void on_timer() override { runtime.request_shutdown("idle"); }
    McpRuntime& runtime;
  };
  /// What create() made before the runtime itself.
  struct Parts {
    ring::RuntimeDirectory directory;
    UniqueFd instance_lock;
    std::unique_ptr<Log> log;
    std::unique_ptr<io::Loop> loop;
    std::unique_ptr<io::CgroupTree> cgroups;  ///< Null where servers can have none.
    std::unique_ptr<io::Guardian> guardian;
    std::unique_ptr<io::StrayChildren> strays;  ///< Null where the kernel cannot.
    std::unique_ptr<io::HelperThread> helper;
  };

  McpRuntime(const DaemonOptions& options, Parts parts);
  static Result<Parts> prepare(const DaemonOptions& options);
  Result<void> listen();
  io::ChannelHostOptions channel_options();
  protocol::LargePayloadCounters large_payloads() const noexcept;

  void on_connection(UniqueFd socket) override;
  void on_listener_failed(const Error& why) override;
  void on_signal(int signal) override;
  void on_session_closing(Session& session) override;

  void request_shutdown(std::string_view why);
  io::task<Result<void>> serve();
  io::task<Result<void>> learn_wake_price();
  io::task<Result<void>> end_session(std::unique_ptr<Session> session);
  void watch_idleness();

  DaemonOptions options_;
  Parts parts_;
  EventLoop& loop_;
  telemetry::DaemonCounters counters_;
  io::SystemFileSystem files_;
  io::UringProcessSpawner spawner_;
  SystemClock clock_;
  DiskEraVerdicts verdicts_;
  ServerTransports transports_;
  pool::ConnectionPool pool_;
  SubscriptionHub subscriptions_;
  parallel::ParallelExecutor executor_;
  ConfigurationStore configurations_;
  Services services_;
  io::ChannelHost channels_;
  io::Scope tasks_;                  ///< serve().
  io::Scope background_;             ///< What nobody waits for; ends first.
  io::Scope endings_;                ///< One task per session that ends.
  IntrusiveList<Session> sessions_;  ///< Owned, until they end.
  io::OneShot<void> no_sessions_;    ///< After shutdown_.
  io::OneShot<void> shutdown_;
  IdleTimer idle_timer_;
  std::unique_ptr<io::SignalWatcher> signals_;
  std::unique_ptr<io::SeqpacketListener> listener_;
};

}  // namespace mcpwire::daemon
