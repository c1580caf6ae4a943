// SPDX-License-Identifier: MIT
//
// ConnectionPool: one warm connection per server identity.
// An actor on the loop: nothing is locked and nothing waits while holding something. All who ask
// for a server that is not open share one creation of it; requests of all share the one connection,
// told apart by ids that the transport mints.
//
// Threading: the loop's thread.
// Invariants: at most one connection per identity is open or being opened; a connection with
// leases is never closed under its users; after clear() has ended no process is left.
#pragma once

#include "io/cancel.hpp"
#include "io/one_shot.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "pool/pooled_connection.hpp"
#include "pool/server_spec.hpp"
#include "pool/transport_factory.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/params.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::pool {

struct PoolOptions {
  /// A server that nobody used for so long is stopped.
  std::uint64_t idle_stop_ns = 30 * 60 * kNanosecondsPerSecond;
};

/// What the servers of a pool do unasked.
class ServerObserver {
 public:
  /// A notification that belongs to no request. Spans are valid during the call only.
  virtual void on_server_notification(PooledConnection& connection, std::string_view method,
                                      std::string_view params) = 0;
  /// An open connection has ended by itself. Not for those that the pool closes.
  virtual void on_server_lost(PooledConnection& connection) = 0;

 protected:
  ~ServerObserver() = default;
};

/// What is known of one identity, for lists and status.
struct ServerSnapshot {
  protocol::ServerState state = protocol::ServerState::kConfigured;
  std::int32_t process_id = 0;
  std::uint64_t calls = 0;
  std::string detail;  ///< Name and version of the server, or why the last start failed.
};

class ConnectionPool {
 public:
  ConnectionPool(EventLoop& loop, TransportFactory& factory, PoolOptions options);
  /// REQUIRES: clear() has ended, or nothing was ever opened.
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  /// The open connection, or an empty lease. Never waits; the warm path of every call.
  Lease try_get(const std::string& identity);

  /// The open connection, opening it if needed. If `scope` is cancelled the caller stops waiting;
  /// the creation goes on for the others. Fails with what made the creation fail.
  io::task<Result<Lease>> get(ServerSpec spec, io::CancelScope& scope);

  /// True if requests can be sent on it now.
  static bool is_connection_healthy(const PooledConnection& connection) noexcept;

  /// Forgets the identity: new users get a new connection, the present ones finish on the old one,
  /// which is closed when the last of them is done.
  void remove(const std::string& identity);
  /// The same, unless another connection has taken this one's place already.
  void remove_if_current(const PooledConnection& connection);

  /// Closes everything, waiting for nobody's requests, and refuses all that comes later.
  io::task<void> clear();

  ServerSnapshot snapshot(const std::string& identity) const;

  /// Connections open, being opened or being closed.
  std::size_t active_count() const noexcept { return entries_.size() + closing_count_; }

  /// At most one; it outlives the pool's connections.
  void observe_servers(ServerObserver& observer) noexcept { observer_ = &observer; }

  /// Called whenever active_count() has become zero.
  void on_empty(std::function<void()> callback) { on_empty_ = std::move(callback); }

 private:
  friend class Lease;
  struct Member;
  struct Entry;
  struct IdleTimer final : Timer {
    explicit IdleTimer(ConnectionPool& owner) noexcept : pool(owner) {}
    void on_timer() override { pool.stop_idle(); }
    ConnectionPool& pool;
  };

  Lease lease(const std::shared_ptr<PooledConnection>& connection);
  void give_back(PooledConnection& connection) noexcept;
  std::shared_ptr<Entry> ensure_entry(const std::string& identity);
  io::task<Result<void>> open(std::shared_ptr<Entry> entry, ServerSpec spec);
  void finish_open(Entry& entry, const Result<void>& opened);
  void on_member_closed(Member& member, const Error& why);
  void dispose(std::shared_ptr<PooledConnection> connection);
  io::task<Result<void>> close_when_unused(std::shared_ptr<PooledConnection> connection);
  void note_failure(const std::string& identity, const Error& error);
  void stop_idle();
  void arm_idle_timer();
  void report_if_empty();

  EventLoop& loop_;
  TransportFactory& factory_;
  PoolOptions options_;
  io::Scope work_;  ///< Creations and closings; they belong to no caller.
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::map<std::string, std::string> last_failures_;  ///< By identity, for snapshot().
  std::size_t closing_count_ = 0;
  bool is_shut_ = false;
  IdleTimer idle_timer_;
  ServerObserver* observer_ = nullptr;
  std::function<void()> on_empty_;
};

}  // namespace mcpwire::pool
