// SPDX-License-Identifier: MIT
//
// Request: one request of a client while it is being served. It lives in the frame of the task
// that serves it, is what a cancel event finds, and is the only way to answer.
//
// Threading: the loop's thread.
// Invariants: it is answered exactly once; if the serving task ends without an answer, that is a
// bug (checked).
#pragma once

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
#include <string_view>

namespace mcpwire::daemon {

class Request final : public ListNode, public io::SendObserver, public io::ProgressSink {
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

  bool may_send() override;
  void on_sent() override;
  void on_progress(std::string_view params) override;

 private:
  void answer(protocol::FrameKind kind, protocol::Outcome outcome, std::string_view payload);
  /// Instead of an answer that the channel cannot carry, because of its size for example.
  Result<void> answer_undeliverable(const Error& why);

  Session& session_;
  protocol::Method method_;
  std::uint64_t correlation_;
  std::size_t payload_bytes_;
  io::CancelScope scope_;
  bool answered_ = false;
};

/// The outcome of a call that failed before a byte of it went to a server.
protocol::Outcome outcome_before_sending(const Error& error) noexcept;

}  // namespace mcpwire::daemon
