// SPDX-License-Identifier: MIT
//
// Connection: a program's way to the daemon and through it to every configured MCP server.
// Blocking calls and, beside them, start_call/wait for several calls in flight.
//
// A call that the daemon provably did not take (it ended, or was replaced, before) is sent again
// after reconnecting, a bounded number of times; what may have reached a server never is.
//
// Threading: one thread at a time per Connection; several Connections may live in one process.
#pragma once

#include "client/types.hpp"
#include "protocol/base/result.hpp"
#include "protocol/mcp/client_abilities.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace mcpwire::client {

namespace detail {
class Session;
}

class Connection {
 public:
  /// Connects to the daemon of the runtime directory, starts it where allowed, checks that it runs
  /// as our user and shakes hands. kDaemonUnreachable, kDaemonStartFailed, kVersionMismatch,
  /// kPeerRefused, kRuntimeDirUnsafe, kConfigUnreadable, kTooLarge (environment over 64 KiB).
  static Result<Connection> connect(const ConnectOptions& options);

  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  /// Leaves at once; the daemon cancels what is still in flight.
  ~Connection();

  const Agreement& agreement() const noexcept;

  // Safe to repeat, and repeated after a reconnect. `deadline_ns`: CLOCK_MONOTONIC, kNever waits
  // without limit. kTimeout/kDeadlineExceeded and kCancelled/kCancelledByCaller (interrupted).

  /// A round trip answered by the daemon itself.
  Result<void> ping(std::uint64_t deadline_ns = kNever);
  Result<std::vector<ServerSummary>> list_servers(std::uint64_t deadline_ns = kNever);
  /// Tools of `server`, or of all if it is empty. 0 takes the daemon's defaults. One server's
  /// failure is an entry of the listing, never a failure of the whole.
  Result<ToolsListing> list_tools(std::string_view server, std::uint32_t concurrency = 0,
                                  std::uint64_t deadline_ns = 0);
  Result<DaemonStatus> status(std::uint64_t deadline_ns = kNever);
  /// Asks the daemon to end; returns when it has agreed or is gone.
  Result<void> shutdown(std::uint64_t deadline_ns = kNever);

  /// Calls a tool and waits. Always ends in one of the six outcomes, by the deadline plus
  /// ConnectOptions::deadline_grace_ns. Interrupted once: cancels and waits for the verdict; twice:
  /// returns at once with `cancelled`.
  CallReply call_tool(const CallRequest& request);

  /// Sends the call and returns its correlation id. At most protocol::kCallWindow in flight
  /// (kOverloaded/kQueueFull). Every started call must be taken by wait() or given up by cancel()
  /// and then taken.
  Result<std::uint64_t> start_call(const CallRequest& request);

  /// Any request of MCP, as call_tool(). kUnsupported/kVersionMismatch with an older daemon.
  CallReply request(const McpRequest& request);
  Result<std::uint64_t> start_request(const McpRequest& request);

  /// From here on on_notification() tells what servers say, until the call is cancelled or its
  /// deadline passes; taken and given up like a call, and begun again after a reconnect. The first
  /// of each server is notifications/subscriptions/acknowledged.
  Result<std::uint64_t> start_listen(const ListenRequest& request);

  /// Sends a ping and returns its correlation id; taken and given up like a call.
  Result<std::uint64_t> start_ping();

  /// The reply, as soon as it is there; nothing if there is no such call, or when `deadline_ns`
  /// passes first or an interruption arrives (see was_interrupted()). The call's own deadline is
  /// observed as in call_tool.
  std::optional<CallReply> wait(std::uint64_t correlation, std::uint64_t deadline_ns = kNever);

  /// Gives the call up. The verdict still comes through wait(): `cancelled`, or what was faster.
  void cancel(std::uint64_t correlation);

  /// True if the last wait() ended because of the InterruptSource.
  bool was_interrupted() const noexcept;

  /// Called inside the blocking functions with a call's notifications/progress parameters (JSON).
  /// Must not use the connection.
  using ProgressHandler = std::function<void(std::uint64_t correlation, std::string_view params)>;
  void on_progress(ProgressHandler handler);

  /// Called likewise with what servers say unasked.
  using NotificationHandler = std::function<void(const Notification&)>;
  void on_notification(NotificationHandler handler);

  /// Called likewise when a server asks the caller of one of the calls begun from here on. Calls
  /// declare `abilities`; what goes beyond them is never asked. Nothing: answered later, by
  /// answer_server().
  using ServerRequestHandler = std::function<std::optional<ServerAnswer>(const ServerQuestion&)>;
  void on_server_request(protocol::mcp::ClientAbilities abilities, ServerRequestHandler handler);
  /// Ignored where the call has ended.
  void answer_server(std::uint64_t correlation, std::uint64_t key, ServerAnswer answer);

  /// Times the connection was made anew since connect().
  std::uint64_t reconnects() const noexcept;

 private:
  explicit Connection(std::unique_ptr<detail::Session> session) noexcept;
  CallReply finish(Result<std::uint64_t> started);
  std::unique_ptr<detail::Session> session_;
};

}  // namespace mcpwire::client
