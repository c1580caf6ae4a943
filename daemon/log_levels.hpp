// SPDX-License-Identifier: MIT
//
// LogLevels: which log messages each client wants of each legacy server. A server has one level for
// its connection, so it is asked for the most verbose one that any client wants, and each client is
// passed what it wants itself. A client that never said so is passed what the server sends of its
// own accord; while others have asked for more, from `info` up.
//
// What another loop's clients want of a server is one wish at its owner: that of the visit.
//
// Threading: the loop's thread.
// Invariants: a client is forgotten before it goes; after stop() no server is asked any more.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/log_level.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

/// The level that the params of logging/setLevel, or of notifications/message, name.
std::optional<protocol::mcp::LogLevel> read_log_level(protocol::json::ValueReader& reader,
                                                      std::string_view params);

class LogLevels {
 public:
  using Level = protocol::mcp::LogLevel;
  /// Whoever wants something, told apart by address.
  using Client = const void*;

  LogLevels(EventLoop& loop, pool::ConnectionPool& pool);

  /// What `client` wants of the server from here on. The server's word where it had to be asked; if
  /// that is not ok, the wish is as before.
  io::task<io::RpcReply> set(Client client,
                             pool::Lease& lease,  // outlives: awaited in the same expression
                             Level level, io::RequestOptions options);
  void forget(Client client);

  /// May the message with these params be passed to it?
  bool wants(Client client, std::string_view identity, std::string_view params);

  /// Before a request on it: a server that was started anew does not know what is wanted.
  void on_use(pool::PooledConnection& connection) {
    if (!wishes_.empty()) ensure_asked(connection);
  }

  /// Gives up what is being asked.
  io::task<void> stop();

 private:
  using Wishes = std::map<Client, Level>;  ///< Never empty.
  static Level most_verbose(const Wishes& wishes) noexcept;
  void ensure_asked(pool::PooledConnection& connection);
  /// Asks the server unless it was asked for that already.
  void adjust(const std::string& identity, Level wanted);
  io::task<Result<void>> ask(pool::Lease lease, Level wanted);

  EventLoop& loop_;
  pool::ConnectionPool& pool_;
  io::Scope work_;
  protocol::json::ValueReader reader_;
  std::map<std::string, Wishes, std::less<>> wishes_;  ///< By identity.
  bool is_stopped_ = false;
};

}  // namespace mcpwire::daemon
