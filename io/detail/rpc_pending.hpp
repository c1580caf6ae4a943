// SPDX-License-Identifier: MIT
//
// RpcPending: one request in flight: how far its line has come, its two deadlines, and the one
// place where its reply is decided. Lives in the frame of the coroutine that waits for it.
//
// Threading: the loop's thread.
// Invariants: the first ending wins (answer, deadline, cancellation, loss of the connection); a
// line is never started once the request has ended or its deadline has passed.
#pragma once

#include "io/detail/rpc_line_queue.hpp"
#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstddef>
#include <cstdint>

namespace mcpwire::io::detail {

class RpcPending final : public RpcLineOwner, private Timer {
 public:
  /// `options` are copied; what they point to outlives the request.
  RpcPending(EventLoop& loop, const RequestOptions& options);

  auto wait() { return shot_.wait(*options_.scope); }

  /// The server answered; `body` lies in `line` if that is one. False if the request had ended
  /// before, or cannot have been read yet.
  enum class Answer : std::uint8_t { kTaken, kLate, kTooEarly };
  Answer on_answer(protocol::Outcome outcome, std::string_view body, LargeLine line = {});

  /// The server's answer came and breaks the rules: what was done there cannot be told.
  void on_unreadable_answer(std::string_view why);

  /// Progress must increase, says the specification; what does not is ignored.
  void on_progress(double value, std::string_view params);

  bool takes_logs() const noexcept { return is_in_flight() && options_.progress != nullptr; }
  /// REQUIRES: takes_logs().
  void on_log(std::string_view params) { options_.progress->on_log(params); }

  /// The server asks something back: until all of it is answered its silence is not counted.
  void on_question();
  void on_question_answered();

  void on_connection_lost(const Error& why);
  /// The server said that it did not run it.
  void on_refused(const Error& why);

  bool may_start() override;
  void on_line_sent() override;
  void on_line_failed(bool is_complete) override;

  /// True from the first byte handed over, unless the write provably broke off before the end.
  bool may_have_been_sent() const noexcept { return stage_ != Stage::kWaiting; }
  bool wants_progress() const noexcept {
    return options_.progress != nullptr || options_.inactivity_ns != kNever;
  }
  /// The server may be working on it.
  bool is_in_flight() const noexcept { return may_have_been_sent() && !shot_.is_resolved(); }
  bool is_answered() const noexcept { return ending_ == Ending::kAnswered; }
  const RequestOptions& options() const noexcept { return options_; }
  /// The caller or a deadline ended it, and the server would otherwise go on working.
  bool should_tell_server() const noexcept {
    return may_have_been_sent() && (ending_ == Ending::kNone || ending_ == Ending::kRevoked);
  }
  /// The reply to what the wait failed with.
  RpcReply failed_reply(const Error& why) const;

 private:
  enum class Stage : std::uint8_t { kWaiting, kWriting, kSent };
  enum class Ending : std::uint8_t { kNone, kAnswered, kUnreadable, kLost, kRevoked };

  void on_timer() override;
  void arm();
  void tell_sent();

  EventLoop& loop_;
  RequestOptions options_;
  OneShot<RpcReply> shot_;
  std::uint64_t last_activity_ns_;
  double last_progress_;
  std::size_t open_questions_ = 0;
  Stage stage_ = Stage::kWaiting;
  Ending ending_ = Ending::kNone;
};

}  // namespace mcpwire::io::detail
