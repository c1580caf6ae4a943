// SPDX-License-Identifier: MIT
//
// What crosses between the loop of a client and the loop that owns a server: the two halves of one
// conversation (RemoteTransport and RemoteServer), and where each loop is found.
//
// Threading: ShardPlace is filled before the loops run. A RemoteLink's transport is touched on the
// client's loop only, a RemoteVisit on the owner's only; both are merely carried by the other side.
#pragma once

#include "daemon/totals.hpp"
#include "io/cancel.hpp"
#include "io/mcp_transport.hpp"
#include "io/scope.hpp"
#include "io/shard_mail.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mcpwire::daemon {

class RemoteTransport;
class RemoteServer;
class SubscriptionExchange;
class LogLevels;

/// One loop, as the others see it.
struct ShardPlace {
  EventLoop* loop = nullptr;
  pool::ConnectionPool* pool = nullptr;
  io::ShardPort* port = nullptr;
  io::Scope* visits = nullptr;  ///< Tasks for other loops; joined before the pool goes.
  std::function<DaemonTotals()> totals;
  SubscriptionExchange* subscriptions = nullptr;
  LogLevels* log_levels = nullptr;
};

/// By number. Complete before the first of them runs.
using ShardPlaces = std::vector<ShardPlace>;

/// What a server says of a request under way while the client's loop has not taken that many of it:
/// it is dropped. Progress and logs are advice; the answer comes in any case.
inline constexpr std::uint32_t kAdviceMax = 256;

/// The client's half, or null when that is gone.
struct RemoteLink {
  RemoteTransport* transport = nullptr;
  /// Advice that has left the owner and has not been taken. Counted by both loops: a number only,
  /// the mail orders everything else.
  std::atomic<std::uint32_t> advice_on_its_way{0};
};

/// The owner's half, from the first message to the last.
struct RemoteVisit {
  RemoteVisit();
  ~RemoteVisit();
  std::unique_ptr<RemoteServer> server;
};

/// A request on its way to the owner. The send observer stays with the client: it was asked before.
struct RemoteCall {
  std::uint64_t id = 0;
  std::string method;
  std::string params;
  std::string meta;
  std::uint64_t deadline_ns = kNever;
  std::uint64_t inactivity_ns = kNever;
  protocol::mcp::ClientAbilities abilities;
  bool wants_progress = false;
  bool can_answer = false;
};

/// What became of a question of the server.
struct RemoteAnswer {
  enum class Kind : std::uint8_t { kResult, kError, kRefused };
  std::uint64_t question = 0;
  Kind kind = Kind::kRefused;
  std::string json;
};

/// What the owner knows once the server is open.
struct RemoteFacts {
  io::ServerInfo info;
  std::int32_t process_id = 0;
};

}  // namespace mcpwire::daemon
