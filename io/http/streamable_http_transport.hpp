// SPDX-License-Identifier: MIT
//
// StreamableHttpTransport: McpTransport to a server over HTTP, in every way that MCP has had:
// Streamable HTTP of the modern and the legacy revisions, and HTTP+SSE of 2024-11-05. Which one it
// is, open() finds out by the ladder of io/http/detail/http_ladder.hpp.
//
// A lost session is begun anew once per request, by one handshake for all requests that wait; the
// requests that the server refused for it did not run and are sent again. The same goes for tools
// whose parameter headers have changed. Nothing else is ever sent twice.
//
// There is no connection whose end could be told: on_transport_closed() comes only where the
// conversation itself is over (HTTP+SSE: its stream ended).
//
// Threading: the loop's thread.
// Invariants: outlives its requests (checked); close() was awaited if open() succeeded.
#pragma once

#include "io/http/detail/http_call.hpp"
#include "io/http/detail/http_ladder.hpp"
#include "io/http/detail/http_listener.hpp"
#include "io/http/detail/http_notice.hpp"
#include "io/mcp/era_verdicts.hpp"
#include "io/mcp/meta.hpp"
#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "io/scope.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mcpwire::io {

struct StreamableHttpOptions {
  std::string identity;  ///< Under which verdicts are kept.
  HttpEndpoint endpoint;
  TransportLimits limits;
  std::optional<protocol::mcp::Revision> pinned_revision;
  std::optional<protocol::mcp::Era> pinned_era;
  bool is_http_sse = false;         ///< The configuration says so: no ladder.
  EraVerdicts* verdicts = nullptr;  ///< May be null.
  OutgoingObserver* outgoing = nullptr;
  /// Requests at the same time; one more is kRejected.
  std::size_t requests_max = 256;
  /// For the DELETE that ends a session.
  std::uint64_t farewell_ns = 2 * kNanosecondsPerSecond;
};

class StreamableHttpTransport final : public McpTransport,
                                      private detail::HttpCall::Owner,
                                      private detail::HttpListener::Owner,
                                      private detail::HttpNotice::Owner,
                                      private detail::RpcQuestions::Owner {
 public:
  /// Everything referred to outlives the transport. Starts nothing.
  StreamableHttpTransport(EventLoop& loop, HttpClient& client, RpcCodec& codec,
                          StreamableHttpOptions options);
  ~StreamableHttpTransport() override;

  task<Result<void>> open(CancelScope& scope, std::uint64_t deadline_ns) override;
  task<RpcReply> request(std::string_view method,  // outlives: awaited in the same expression
                         std::string_view params,  // outlives: awaited in the same expression
                         RequestOptions options) override;
  task<void> close() override;

  /// False, too, once the server speaks otherwise than it did: what is in flight goes on, and
  /// whoever needs it next opens another.
  bool is_open() const noexcept override { return state_ == State::kOpen && !has_changed_; }
  void observe_close(CloseObserver& observer) override { close_observer_ = &observer; }
  void observe_messages(MessageObserver& observer) override { message_observer_ = &observer; }
  const ServerInfo& server_info() const noexcept override { return server_info_; }
  std::int32_t process_id() const noexcept override { return 0; }
  std::string stderr_tail() const override { return {}; }
  const TransportCounters& counters() const noexcept override { return counters_; }

 private:
  enum class State : std::uint8_t { kNew, kOpening, kOpen, kClosed };
  using Calls = std::unordered_map<std::uint64_t, detail::HttpCall*>;

  // The ladder: streamable_http_opening.cpp.
  /// How long the handshake may take, and who may give it up.
  struct Patience {
    CancelScope* scope;
    std::uint64_t deadline_ns;
  };
  task<detail::LadderStep> climb_from(detail::Rung rung, Patience patience);
  task<detail::LadderStep> discover(Patience patience);
  task<detail::LadderStep> initialize(Patience patience);
  task<detail::LadderStep> open_event_stream(Patience patience);
  task<Result<void>> greet(Patience patience);
  task<detail::HttpReply> handshake(std::string_view method,  // outlives: a constant
                                    std::string params, Patience patience);
  detail::LadderStep accept(detail::Rung rung, ServerInfo info);
  detail::Rung first_rung(bool& is_remembered) const;
  Error shown(const Error& error) const;
  void remember_verdict();
  void start_listening();

  // Requests: streamable_http_transport.cpp.
  task<detail::HttpReply> exchange(detail::HttpCall::Message message, RequestOptions options);
  Result<detail::HttpCall::Message> message_of(std::string_view method, std::string_view params,
                                               const RequestOptions& options);
  void note_era(const detail::HttpReply& reply);
  bool is_full(const detail::HttpCall::Message& message) const noexcept;
  void begin(detail::HttpCall& call);
  void finish(std::unique_ptr<detail::HttpCall> call);
  void tell_cancelled(detail::HttpCall& call, const Error& why);
  void send_notice(std::string line, std::string_view method);
  HttpRequest notice_request(std::string line, std::string_view method);
  detail::HttpNotice& add_notice(HttpRequest request,
                                 std::uint64_t patience_ns = detail::HttpNotice::kPatienceNs);
  task<Result<void>> deliver(HttpRequest request, std::uint64_t patience_ns, CancelScope& scope);
  void end(const Error& why);

  // What comes in: streamable_http_messages.cpp.
  void dispatch(std::string_view json, detail::HttpCall* from);
  void on_envelope(const protocol::json::Envelope& message, detail::HttpCall* from);
  void on_response(const protocol::json::Envelope& message, detail::HttpCall* from);
  void on_junk(std::string_view json, detail::HttpCall* from);
  void on_notification(const protocol::json::Envelope& message, detail::HttpCall* from);
  void tell_log(std::string_view params, detail::HttpCall* from);
  void on_server_request(const protocol::json::Envelope& message, detail::HttpCall* from);
  using IsIt = bool (detail::RpcPending::*)() const noexcept;
  /// The only call of that kind; null: none, or several.
  detail::HttpCall* only_call(IsIt is_it) noexcept;
  void note_tools(RpcReply& reply);
  detail::HttpCall* find(std::uint64_t id) noexcept;

  // Recovery: streamable_http_recovery.cpp.
  task<Result<void>> renew_session();
  task<Result<void>> begin_session_anew();
  task<Result<void>> renew_tools();
  task<Result<void>> fetch_tools();
  void start_again(IntrusiveList<detail::HttpCall>& waiting, const Result<void>& renewed);

  void on_call_message(detail::HttpCall& call, std::string_view json, LargeLine memory) override;
  void on_recoverable(detail::HttpCall& call, detail::Recovery what) override;
  void on_tail_end(detail::HttpCall& call) override;
  void on_listener_message(std::string_view json, LargeLine memory) override;
  void on_listener_event(const SseEvent& event) override;
  void on_listener_end(const Error& why, int status) override;
  void on_notice_end(detail::HttpNotice& notice, const HttpEnd& end) override;
  void on_answer_line(std::string line) override;
  detail::RpcQuestions::Owner& as_answerer() noexcept { return *this; }

  EventLoop& loop_;
  StreamableHttpOptions options_;
  detail::HttpPeer peer_;
  CloseObserver* close_observer_ = nullptr;
  MessageObserver* message_observer_ = nullptr;
  State state_ = State::kNew;
  ServerInfo server_info_;
  TransportCounters counters_;
  LargeLine large_;  ///< Of the message that is being read.
  std::optional<MetaConstants> constants_;
  std::uint64_t next_id_ = 1;
  Calls calls_;
  std::map<const detail::HttpCall*, std::unique_ptr<detail::HttpCall>> tails_;
  std::map<const detail::HttpNotice*, std::unique_ptr<detail::HttpNotice>> notices_;
  detail::RpcQuestions questions_;
  IntrusiveList<detail::HttpCall> waiting_for_session_;
  IntrusiveList<detail::HttpCall> waiting_for_tools_;
  bool has_changed_ = false;
  bool is_renewing_session_ = false;
  bool is_renewing_tools_ = false;
  std::optional<detail::HttpListener> listener_;
  OneShot<std::string>* endpoint_ = nullptr;  ///< Who waits for HTTP+SSE's first event.
  const detail::HttpNotice* awaited_ = nullptr;
  OneShot<void>* arrival_ = nullptr;  ///< Who waits for `awaited_`.
  CancelScope alive_;                 ///< What runs for no request in particular.
  Scope work_;
};

}  // namespace mcpwire::io
