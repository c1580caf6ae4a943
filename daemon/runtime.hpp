// SPDX-License-Identifier: MIT
//
// McpRuntime: the daemon as a whole. It owns the shards (one, unless more were asked for), lets
// clients in, and ends in order: no new clients, requests given up, servers stopped by the ladder,
// socket removed.
//
// Threading: created, run and destroyed on one thread, which becomes the first shard's loop.
// Invariants: the instance lock is held from before the socket exists until after it is gone.
#pragma once

#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/shard.hpp"
#include "daemon/shard_thread.hpp"
#include "daemon/socket_keeper.hpp"
#include "io/loop.hpp"
#include "io/one_shot.hpp"
#include "io/scope.hpp"
#include "io/seqpacket_listener.hpp"
#include "io/signal_watcher.hpp"
#include "io/stray_children.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/runtime_directory.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace mcpwire::daemon {

class McpRuntime final : private io::SeqpacketListener::Observer,
                         private io::SignalWatcher::Observer {
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
    std::unique_ptr<io::StrayChildren> strays;  ///< Null where the kernel cannot.
    std::unique_ptr<io::ShardMail> mail;        ///< Null with one shard.
    Shard::Parts first;
  };
  /// A shard as the first loop knows it.
  struct Known {
    Shard* shard = nullptr;
    std::uint64_t given = 0;  ///< Clients that were given to it,
    std::uint64_t taken = 0;  ///< and those that it had taken when it last told of itself.
    ShardUse use;             ///< Then.
  };

  McpRuntime(const DaemonOptions& options, Parts parts);
  static Result<Parts> prepare(const DaemonOptions& options);
  ShardSurroundings surroundings(std::size_t number);
  Result<void> start_others();
  Result<std::unique_ptr<Shard>> make_shard(std::size_t number);
  Result<void> listen();

  void on_connection(UniqueFd socket) override;
  void on_listener_failed(const Error& why) override;
  void on_out_of_descriptors() override;
  void on_signal(int signal) override;
  void on_place_lost();

  void request_shutdown(std::string_view why);
  void report_change(std::size_t number);
  void note_change(std::size_t number, std::uint64_t taken, ShardUse use);
  io::task<Result<void>> serve();
  io::task<void> on_all(Shard::Step step);
  io::task<Result<void>> on_one(std::size_t number, Shard::Step step);
  io::task<Result<void>> learn_wake_price();
  void watch_idleness();

  DaemonOptions options_;
  Parts parts_;
  DaemonFacts facts_;
  ShardPlaces places_;
  std::vector<std::unique_ptr<ShardGroups>> groups_;  ///< Of the others.
  std::unique_ptr<Shard> first_;
  std::vector<std::unique_ptr<ShardThread>> others_;
  std::vector<Known> known_;  ///< By number.
  EventLoop& loop_;
  std::size_t next_ = 0;  ///< Whose turn it is to get a client.
  io::Scope tasks_;       ///< serve().
  io::Scope background_;  ///< What nobody waits for; ends first.
  io::OneShot<void> shutdown_;
  IdleTimer idle_timer_;
  std::unique_ptr<io::SignalWatcher> signals_;
  std::unique_ptr<SocketKeeper> listener_;
  bool is_place_lost_ = false;
};

}  // namespace mcpwire::daemon
