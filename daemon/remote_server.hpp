// SPDX-License-Identifier: MIT
//
// RemoteServer: the owner's half of a conversation that a client on another loop holds with a
// server of this one. It keeps a lease of the connection and sends requests on it in that client's
// name.
//
// Threading: the owner's loop.
// Invariants: ends by end() only, which waits for its requests; every request that was taken is
// answered exactly once, before the message that tells of the end.
#pragma once

#include "daemon/remote_link.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"
#include "pool/server_spec.hpp"
#include "protocol/json/value.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace mcpwire::daemon {

class RemoteServer final : private pool::EndObserver {
 public:
  /// `here` is the owner's place, `client` the number of the other loop.
  RemoteServer(const ShardPlace& here, std::size_t client, std::shared_ptr<RemoteLink> link);
  ~RemoteServer();

  /// Opens the server, or joins its opening, and tells the client.
  void open(pool::ServerSpec spec);
  void request(RemoteCall call);
  void cancel(std::uint64_t id, io::CancelCause cause);
  void answer(const RemoteAnswer& answer);

  /// Gives up what is in flight and the lease.
  io::task<void> end();

 private:
  class Serving;
  class TaskEar;
  io::task<Result<void>> open_server(pool::ServerSpec spec);
  io::task<Result<void>> serve(RemoteCall call);
  io::task<io::RpcReply> send(const RemoteCall& call,  // outlives: awaited in the same expression
                              io::RequestOptions options);
  void on_connection_ended(const Error& why) override;
  /// Stops the server if nobody has used it since this client did.
  void give_back_lease();
  /// Runs `tell(RemoteTransport&)` on the client's loop if the client's half is still there.
  template <class F>
  void tell(F function);
  /// The same, for what may be dropped where the client's loop does not keep up.
  template <class F>
  void advise(F function);

  const ShardPlace& here_;
  std::size_t client_;
  std::shared_ptr<RemoteLink> link_;
  io::Scope requests_;
  pool::Lease lease_;
  std::unique_ptr<TaskEar> task_ear_;  ///< While the lease is held.
  std::uint64_t last_used_ns_ = 0;
  std::uint64_t last_question_ = 0;
  protocol::json::ValueReader reader_;
  std::unordered_map<std::uint64_t, Serving*> serving_;
  std::unordered_map<std::uint64_t, std::unique_ptr<io::ServerRequest>> questions_;
};

}  // namespace mcpwire::daemon
