// SPDX-License-Identifier: MIT
//
// Request: one request of a client while it is being served. It lives in the frame of the task
// that serves it, is what a cancel event finds, and is the only way to answer.
//
// Threading: the loop's thread.
// Invariants: it is answered exactly once; if the serving task ends without an answer, that is a
// bug (checked).
#pragma once

#include "daemon/server_questions.hpp"
#include "daemon/session.hpp"
#include "io/cancel.hpp"
#include "io/mcp_transport.hpp"
#include "protocol/base/error.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/call_word.hpp"
#include "protocol/methods.hpp"
#include "protocol/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace mcpwire::daemon {

class Request final : public ListNode,
                      public io::SendObserver,
                      public io::ProgressSink,
                      public io::ServerRequestSink,
                      private ServerQuestions::Client {
 public:
  /// `payload_bytes` count against what the client may have under way.
  Request(Session& session, protocol::Method method, std::uint64_t correlation,
          std::size_t payload_bytes = 0);
  ~Request();

  Session& session() const noexcept { return session_; }
  std::uint64_t correlation() const noexcept { return correlation_; }
  io::CancelScope& scope() noexcept { return scope_; }

  /// Publishes how far the call has come (protocol/call_word.hpp).
  void publish(protocol::CallState state);

  void answer_ok(std::string_view payload);
  /// `error_json` is the server's error object, passed on untouched.
  void answer_peer_error(std::string_view error_json);
  void answer_failure(protocol::Outcome outcome, const Error& error, bool may_have_been_sent);
  /// For a failure before anything was sent: the outcome follows from the error's kind.
  void answer_not_started(const Error& error);

  /// What the client says it can answer; without this call it is asked nothing. The sink for the
  /// server's questions, or null where every one would be refused.
  io::ServerRequestSink* accept_questions(protocol::mcp::ClientAbilities abilities);
  /// The client's word on a question; ignored if there is no such question any more.
  void on_server_answer(const protocol::ServerAnswerEvent& event, std::string_view result);

  /// Tells the client what `server` said. False if it cannot be told now.
  bool notify(std::string_view server, std::string_view method, std::string_view params);
  /// The server whose log messages on_log() passes on: its name for the client and its identity,
  /// valid while it may log.
  void set_server(std::string_view name, std::string_view identity) noexcept {
    server_ = name;
    identity_ = identity;
  }

  void on_room();

  bool may_send() override;
  void on_sent() override;
  void on_progress(std::string_view params) override;
  void on_log(std::string_view params) override;
  bool has_room() const noexcept override { return !session_.channel().has_unsent(); }
  void observe_room(RoomObserver* observer) noexcept override { room_observer_ = observer; }
  void on_server_request(std::unique_ptr<io::ServerRequest> question) override;

 private:
  Told tell(std::uint64_t key, std::string_view method, std::string_view params) override;
  Result<void> send_notification(std::string_view server, std::string_view method,
                                 std::string_view params);
  void note_advisory(const Result<void>& sent);
  void answer(protocol::FrameKind kind, protocol::Outcome outcome, std::string_view payload);
  /// Instead of an answer that the channel cannot carry, because of its size for example.
  Result<void> answer_undeliverable(const Error& why);

  Session& session_;
  protocol::Method method_;
  std::uint64_t correlation_;
  std::size_t payload_bytes_;
  io::CancelScope scope_;
  std::unique_ptr<ServerQuestions> questions_;  ///< Null: the client can answer none.
  std::string_view server_;
  std::string_view identity_;
  RoomObserver* room_observer_ = nullptr;
  std::uint64_t dropped_ = 0;  ///< Progress and log messages that the client had no room for.
  bool answered_ = false;
};

/// The outcome of a call that failed before a byte of it went to a server.
protocol::Outcome outcome_before_sending(const Error& error) noexcept;

}  // namespace mcpwire::daemon
