// SPDX-License-Identifier: MIT
//
// RemoteTransport: an McpTransport to a server that another loop of this daemon owns. To the pool
// and the handlers of the client's loop it is a transport like any other.
//
// The sent/not-sent line: the send observer is asked before the request crosses, so a client is
// told SENDING a little early and never late. What then turns out not to have been sent is reported
// so.
//
// Threading: the client's loop.
// Invariants: outlives its requests; after close() has ended the owner's half is gone.
#pragma once

#include "daemon/remote_link.hpp"
#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "pool/server_spec.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mcpwire::daemon {

class RemoteTransport final : public io::McpTransport {
 public:
  /// `own` and `owner` are numbers of `places`. It counts itself in `alive`.
  RemoteTransport(const ShardPlaces& places, std::size_t own, std::size_t owner,
                  pool::ServerSpec spec, std::size_t& alive);
  ~RemoteTransport() override;

  io::task<Result<void>> open(io::CancelScope& scope, std::uint64_t deadline_ns) override;
  io::task<io::RpcReply> request(std::string_view method,  // outlives: awaited in one expression
                                 std::string_view params,  // outlives: awaited in one expression
                                 io::RequestOptions options) override;
  io::task<void> close() override;

  bool is_open() const noexcept override { return is_open_; }
  void observe_close(CloseObserver& observer) override { close_observer_ = &observer; }
  /// Of what a server says unasked the news of its tasks cross here; those who listen hear the rest
  /// by the SubscriptionExchange.
  void observe_messages(MessageObserver& observer) override { message_observer_ = &observer; }
  const io::ServerInfo& server_info() const noexcept override { return facts_.info; }
  std::int32_t process_id() const noexcept override { return is_open_ ? facts_.process_id : 0; }
  /// It stays with the owner's loop, which puts it into its errors.
  std::string stderr_tail() const override { return {}; }
  const io::TransportCounters& counters() const noexcept override { return counters_; }

  // What the owner's half tells.
  void on_opened(Result<RemoteFacts> opened);
  void on_ended(const Error& why);
  void on_sent(std::uint64_t id);
  void on_progress(std::uint64_t id, std::string_view params);
  void on_task_news(std::string_view task);
  void on_log(std::uint64_t id, std::string_view params);
  void on_question(std::uint64_t id, std::uint64_t question, std::string method,
                   std::string params);
  void on_reply(std::uint64_t id, io::RpcReply reply);
  void on_closed();

 private:
  class Waiting;
  class Question;
  /// Runs `ask(RemoteServer&)` on the owner's loop if the owner's half is there.
  template <class F>
  void ask(F function);

  EventLoop& loop_;
  io::ShardPort& port_;
  std::size_t& alive_;
  const ShardPlace& owner_place_;
  std::size_t owner_;
  pool::ServerSpec spec_;
  std::shared_ptr<RemoteLink> link_;
  std::shared_ptr<RemoteVisit> visit_;
  std::unordered_map<std::uint64_t, Waiting*> waiting_;
  std::uint64_t last_id_ = 0;
  RemoteFacts facts_;
  io::TransportCounters counters_;
  CloseObserver* close_observer_ = nullptr;
  MessageObserver* message_observer_ = nullptr;
  io::OneShot<RemoteFacts> opened_;
  io::OneShot<void> closed_;
  bool is_open_ = false;
  bool has_visited_ = false;
  bool is_closing_ = false;
};

}  // namespace mcpwire::daemon
