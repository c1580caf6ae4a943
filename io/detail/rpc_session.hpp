// SPDX-License-Identifier: MIT
//
// RpcSession: JSON-RPC over one stream of lines: mints ids, matches answers, answers the server's
// own requests. Knows nothing of processes.
// The one decision: ids are numbers from one counter and are never used twice. So an answer to an
// id below the counter that is not in flight is late or a repetition, and no list of dead ids has
// to be kept.
//
// Until begin() the conversation has no revision: what is sent then belongs to the handshake and is
// never taken back from the server.
//
// Threading: the loop's thread.
// Invariants: destroyed only when no request is in flight (checked); nothing that a server sends
// reaches a request except through that request's own id.
#pragma once

#include "io/detail/rpc_line_queue.hpp"
#include "io/detail/rpc_pending.hpp"
#include "io/detail/rpc_questions.hpp"
#include "io/large_line.hpp"
#include "io/mcp/meta.hpp"
#include "io/mcp_transport.hpp"
#include "protocol/json/envelope.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/revision.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mcpwire::io {

/// The parsers of one thread, shared by its transports: their buffers grow with the largest line.
/// And memory for lines that are large.
struct RpcCodec {
  protocol::json::EnvelopeParser envelopes;
  protocol::json::ValueReader values;
  LargeLinePool lines;
};

namespace detail {

class RpcSession final : private RpcQuestions::Owner {
 public:
  class Owner : public RpcLineQueue::FailureObserver {
   public:
    virtual void on_notification(std::string_view method, std::string_view params) = 0;
    virtual void on_junk_line(std::string_view line) = 0;

   protected:
    ~Owner() = default;
  };

  struct Limits {
    std::size_t queue_bytes_max = 0;
    OutgoingObserver* outgoing = nullptr;  ///< May be null.
  };

  /// Everything given outlives the session.
  RpcSession(EventLoop& loop, ByteWriter& writer, RpcCodec& codec, Owner& owner, Limits limits);
  ~RpcSession();

  /// The handshake is done, and this is what was agreed on.
  void begin(protocol::mcp::Revision revision);

  /// As McpTransport::request.
  task<RpcReply> request(std::string_view method,  // outlives: awaited in the same expression
                         std::string_view params,  // outlives: awaited in the same expression
                         RequestOptions options);

  /// Sends a notification; on failure the connection is ending and nobody need be told.
  void notify(std::string_view method, std::string_view params);

  /// One line from the server.
  void on_line(std::string_view line);
  /// One that lies in memory of its own; the reply that it brings keeps that.
  void on_large_line(std::string_view line, LargeLine memory);

  /// No line is started any more; answers still count.
  void stop_sending() noexcept { queue_.stop(); }
  /// Resolves all that is in flight; later requests end as kNotSent.
  void fail_all(const Error& why);

  bool is_writing() const noexcept { return queue_.is_writing(); }
  std::size_t in_flight() const noexcept { return pending_.size(); }
  const TransportCounters& counters() const noexcept { return counters_; }

 private:
  using Pending = std::unordered_map<std::uint64_t, RpcPending*>;
  static constexpr std::size_t kSpareNodesMax = 16;

  RpcQuestions::Owner& as_owner() noexcept { return *this; }
  Result<RpcLine> line_of(std::uint64_t id, std::string_view method, std::string_view params,
                          const RpcPending& pending);
  void remember(std::uint64_t id, RpcPending& pending);
  void forget(std::uint64_t id);
  void dispatch(const protocol::json::Envelope& message);
  void on_batch(std::string_view line);
  void on_junk(std::string_view line);
  void on_response(const protocol::json::Envelope& message);
  void on_server_request(const protocol::json::Envelope& message);
  void on_answer_line(std::string line) override;
  void on_notification(const protocol::json::Envelope& message);
  RpcPending* find(std::uint64_t id) noexcept;
  RpcPending* only_one(bool (RpcPending::*is_it)() const noexcept) noexcept;

  EventLoop& loop_;
  RpcCodec& codec_;
  Owner& owner_;
  RpcLineQueue queue_;
  Pending pending_;
  std::vector<Pending::node_type> spare_nodes_;  ///< So that a warm request allocates nothing.
  std::uint64_t next_id_ = 1;
  TransportCounters counters_;
  LargeLine large_;  ///< Of the line that is being read.
  RpcQuestions questions_;
  std::optional<protocol::mcp::Revision> revision_;
  std::optional<MetaConstants> constants_;  ///< Since begin().
};

}  // namespace detail
}  // namespace mcpwire::io
