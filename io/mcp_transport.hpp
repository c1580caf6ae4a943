// SPDX-License-Identifier: MIT
//
// McpTransport: one conversation with one MCP server, whatever carries it. The pool opens and
// closes transports; calls of many clients share one, told apart by ids that the transport mints.
// Real one: io/stdio_transport.hpp; fake one: tests/support/fake_mcp_transport.hpp.
//
// Threading: the loop's thread.
// Invariants: every request ends in exactly one reply; the transport outlives its requests; a
// request's scope, hooks and spans outlive the returned task.
#pragma once

#include "io/cancel.hpp"
#include "io/rpc_body.hpp"
#include "io/task.hpp"
#include "protocol/base/error.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "protocol/mcp/revision.hpp"
#include "protocol/outcome.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::io {

/// Of which kind a result is. Legacy revisions know but one kind.
enum class ResultType : std::uint8_t {
  kComplete,
  kInputRequired,  ///< Only where the table of methods allows it: answer, then send it again.
  kTask,           ///< Only where the request declared ClientAbility::kTasks.
};

/// How a request ended. Without an answer: kCancelled if its caller took it back; else kNotSent
/// or kUnknown, by whether it may have been sent (deadline, loss of the server,
/// CancelCause::kShutdown).
struct RpcReply {
  protocol::Outcome outcome = protocol::Outcome::kUnknown;
  RpcBody body;  ///< kOk: the raw result. kPeerError: the raw error object. Else empty.
  Error error;   ///< Why, for every outcome but kOk and kPeerError.
  bool may_have_been_sent = false;
  ResultType result_type = ResultType::kComplete;  ///< Of a kOk reply.
};

/// The line between "not sent" and "may have happened", told to whoever answers for it.
class SendObserver {
 public:
  /// Called right before the first byte goes to the server. False: the call was taken back and
  /// must end as kNotSent without a byte written.
  virtual bool may_send() = 0;
  /// Called when the last byte was accepted by the kernel.
  virtual void on_sent() = 0;

 protected:
  ~SendObserver() = default;
};

class ProgressSink {
 public:
  /// `params` is the raw object of notifications/progress, valid during the call only.
  virtual void on_progress(std::string_view params) = 0;
  /// That of notifications/message, where it belongs to this request: it came on its stream, or no
  /// other one was in flight.
  virtual void on_log(std::string_view /*params*/) {}

  /// Somebody who waits until there is room again.
  class RoomObserver {
   public:
    virtual void on_room() = 0;

   protected:
    ~RoomObserver() = default;
  };
  /// False: what is told now may be dropped. A transport that can make this request's server alone
  /// wait does so; another one tells it all the same.
  virtual bool has_room() const noexcept { return true; }
  /// One at a time; null: nobody.
  virtual void observe_room(RoomObserver* /*observer*/) noexcept {}

 protected:
  ~ProgressSink() = default;
};

/// A question of the server to whoever sent the request that it works on: sampling, elicitation,
/// roots. Answered exactly once, later and on the loop; destroyed unanswered, it is refused in the
/// way that protocol/mcp/refusal.hpp defines. May outlive request and transport: then an answer
/// goes nowhere.
class ServerRequest {
 public:
  virtual ~ServerRequest() = default;
  virtual std::string_view method() const noexcept = 0;
  /// A raw object; empty if there is none.
  virtual std::string_view params() const noexcept = 0;
  /// `result_json` is a raw, validated object.
  virtual void answer(std::string_view result_json) = 0;
  /// `error_json` is a raw, validated JSON-RPC error object.
  virtual void answer_error(std::string_view error_json) = 0;
  virtual void refuse() = 0;
};

class ServerRequestSink {
 public:
  /// Called while the request is in flight. May answer at once.
  virtual void on_server_request(std::unique_ptr<ServerRequest> request) = 0;

 protected:
  ~ServerRequestSink() = default;
};

class TaskNews;

struct RequestOptions {
  CancelScope* scope = nullptr;          ///< Never null.
  std::uint64_t deadline_ns = kNever;    ///< Monotonic; nothing moves it.
  std::uint64_t inactivity_ns = kNever;  ///< Longest silence; progress starts it anew.
  SendObserver* observer = nullptr;      ///< May be null.
  ProgressSink* progress = nullptr;      ///< Null: no progress token is sent.
  /// The caller's `_meta`, a raw, validated object, or empty. Its keys pass untouched, but for
  /// those that belong to the hop (progressToken, and in a modern conversation protocolVersion,
  /// clientInfo, clientCapabilities): they are the transport's own. Read until the task suspends.
  std::string_view meta = {};
  /// The request's `params`, where they are large and hold no line break: a transport may keep
  /// that instead of a copy. Null, or other params (those of a later round): it copies what it
  /// needs.
  std::shared_ptr<const std::string> params_memory = nullptr;
  /// What the asking client can answer. Modern: declared with this request.
  protocol::mcp::ClientAbilities abilities = {};
  /// Null: the client can answer nothing, and what the server asks is refused.
  ServerRequestSink* server_requests = nullptr;
  /// Ends the waits for a task early; outlives the request. Null: tasks are polled only.
  TaskNews* task_news = nullptr;
};

/// What the server said of itself. Empty before open() has succeeded.
struct ServerInfo {
  std::string name;
  std::string version;
  std::string protocol_version;  ///< As text; the same as `revision`.
  std::string capabilities_json;
  std::string instructions;
  protocol::mcp::Revision revision = protocol::mcp::kNewestLegacyRevision;
};

struct TransportCounters {
  std::uint64_t junk_lines = 0;           ///< Not JSON-RPC.
  std::uint64_t late_responses = 0;       ///< To a request that had ended, or a second answer.
  std::uint64_t unmatched_responses = 0;  ///< To an id that was never sent.
  std::uint64_t notifications = 0;
  std::uint64_t server_requests = 0;
  std::uint64_t hidden_tools = 0;  ///< Over HTTP: left out of lists for their invalid x-mcp-header.
};

class McpTransport {
 public:
  class CloseObserver {
   public:
    /// Comes once, when an open transport has ended by itself; `why` names exit code or signal and
    /// the last line of stderr. Requests in flight have been resolved before. The transport must
    /// not be destroyed inside the call.
    virtual void on_transport_closed(const Error& why) = 0;

   protected:
    ~CloseObserver() = default;
  };

  /// What the server says unasked.
  class MessageObserver {
   public:
    /// A notification that is not the progress of a request. Spans are valid during the call only;
    /// `params` is raw and may be empty.
    virtual void on_notification(std::string_view method, std::string_view params) = 0;
    /// A line that is no JSON-RPC message; only the first few of a connection are shown.
    virtual void on_junk_line(std::string_view line) = 0;

   protected:
    ~MessageObserver() = default;
  };

  virtual ~McpTransport() = default;

  /// Starts the server and completes the handshake. On failure everything is torn down again.
  virtual task<Result<void>> open(CancelScope& scope, std::uint64_t deadline_ns) = 0;

  /// Sends one request. `params` is a raw, validated JSON object, or empty for none, and without a
  /// `_meta` of its own (that goes into the options; io/mcp/meta.hpp takes it out of foreign
  /// parameters); the spans are read only until the task first suspends.
  virtual task<RpcReply> request(
      std::string_view method,  // outlives: awaited in the same expression
      std::string_view params,  // outlives: awaited in the same expression
      RequestOptions options) = 0;

  /// Stops the server by the ladder (close stdin, TERM, KILL), resolves what is in flight and ends
  /// when no process is left. May be called in any state, and again.
  virtual task<void> close() = 0;

  virtual bool is_open() const noexcept = 0;
  /// Observers must outlive the transport; there is at most one of each kind.
  virtual void observe_close(CloseObserver& observer) = 0;
  virtual void observe_messages(MessageObserver& observer) = 0;
  virtual const ServerInfo& server_info() const noexcept = 0;
  /// 0 where no process runs.
  virtual std::int32_t process_id() const noexcept = 0;
  /// The last output on stderr, as much of it as TransportLimits says.
  virtual std::string stderr_tail() const = 0;
  virtual const TransportCounters& counters() const noexcept = 0;
};

}  // namespace mcpwire::io
