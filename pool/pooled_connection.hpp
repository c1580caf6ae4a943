// SPDX-License-Identifier: MIT
//
// PooledConnection: one open connection to one MCP server, shared by all who use that server.
// Lease: the right to use it now; while leases exist the connection is neither stopped for
// idleness nor destroyed.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/mcp/log_level.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::pool {

class ConnectionPool;

/// Told once that the server of a connection has ended by itself. Only records or posts.
class EndObserver : public ListNode {
 public:
  virtual void on_connection_ended(const Error& why) = 0;

 protected:
  ~EndObserver() = default;
};

struct PooledConnection {
  std::unique_ptr<io::McpTransport> transport;
  std::string server_name;
  std::string identity;
  std::uint64_t created_at_ns = 0;
  std::uint64_t last_used_ns = 0;
  std::uint32_t health_check_failures = 0;
  std::size_t leases = 0;
  std::uint64_t calls = 0;  ///< tools/call requests handed to the transport.
  /// The log level that the server was asked for last, where that is known.
  std::optional<protocol::mcp::LogLevel> log_level;
  IntrusiveList<EndObserver> end_observers;  ///< Each leaves by its destruction, or when told.
  /// Resolved when the last lease is given back; set while somebody waits for that.
  io::OneShot<void>* unused = nullptr;

  PooledConnection() = default;
  PooledConnection(const PooledConnection&) = delete;
  PooledConnection& operator=(const PooledConnection&) = delete;
  virtual ~PooledConnection() = default;
};

/// Move-only; gives the connection back on destruction. An empty lease holds nothing.
class Lease {
 public:
  Lease() noexcept = default;
  Lease(Lease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      give_back();
      pool_ = std::exchange(other.pool_, nullptr);
      connection_ = std::move(other.connection_);
    }
    return *this;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { give_back(); }

  explicit operator bool() const noexcept { return connection_ != nullptr; }
  PooledConnection& connection() const noexcept { return *connection_; }
  io::McpTransport& transport() const noexcept { return *connection_->transport; }

 private:
  friend class ConnectionPool;
  Lease(ConnectionPool& pool, std::shared_ptr<PooledConnection> connection) noexcept;
  void give_back() noexcept;

  ConnectionPool* pool_ = nullptr;
  std::shared_ptr<PooledConnection> connection_;
};

}  // namespace mcpwire::pool
