// SPDX-License-Identifier: MIT
#include "daemon/request.hpp"

#include "daemon/log_levels.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"

#include <utility>

namespace mcpwire::daemon {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

namespace {

/// Goes to a server: what became of it is not known without the answer.
bool is_relayed(Method method) noexcept {
  return method == Method::kCallTool || method == Method::kRequest;
}

}  // namespace

Request::Request(Session& session, Method method, std::uint64_t correlation,
                 std::size_t payload_bytes)
    : session_(session),
      method_(method),
      correlation_(correlation),
      payload_bytes_(payload_bytes),
      scope_(session.activity_->scope.cancel_scope()) {
  session.activity_->requests.push_back(*this);
  session.activity_->bytes += payload_bytes_;
}

Request::~Request() {
  MCPWIRE_CHECK(answered_);
  MCPWIRE_CHECK(session_.activity_->bytes >= payload_bytes_);
  session_.activity_->bytes -= payload_bytes_;
  if (dropped_ == 0) return;
  session_.services().log.warn("client " + std::to_string(session_.channel().peer_process_id()) +
                               " did not read: of one call it missed " + std::to_string(dropped_) +
                               " progress and log messages");
}

/// Progress and log messages are advisory: what a full queue cannot take is dropped and counted.
/// The answer itself is not; and a server's pipe, which all its clients share, is not held up.
void Request::note_advisory(const Result<void>& sent) {
  if (sent.has_value() || sent.error().code != ErrorCode::kQueueFull) return;
  ++dropped_;
}

void Request::publish(CallState state) {
  session_.channel().publish_call_state(correlation_, state);
}

void Request::answer_ok(std::string_view payload) {
  answer(FrameKind::kResponse, Outcome::kOk, payload);
}

void Request::answer_peer_error(std::string_view error_json) {
  answer(FrameKind::kError, Outcome::kPeerError, error_json);
}

void Request::answer_failure(Outcome outcome, const Error& error, bool may_have_been_sent) {
  answer(FrameKind::kError, outcome, protocol::build_error_body(error, may_have_been_sent));
}

void Request::answer_not_started(const Error& error) {
  answer_failure(outcome_before_sending(error), error, false);
}

bool Request::may_send() { return session_.channel().begin_sending(correlation_); }

void Request::on_sent() { publish(CallState::kSent); }

void Request::on_progress(std::string_view params) {
  if (!session_.has(protocol::feature::kProgress)) return;
  protocol::PayloadBuilder<protocol::ProgressEvent> event;
  event.fixed.params = event.add(params);
  note_advisory(session_.send_event(Method::kProgress, correlation_, event.take()));
}

void Request::on_log(std::string_view params) {
  LogLevels* const levels = session_.services().log_levels;
  if (levels != nullptr && !levels->wants(&session_, identity_, params)) return;
  if (!session_.has(protocol::feature::kMessages)) return;
  note_advisory(send_notification(server_, protocol::mcp::kMessage, params));
}

bool Request::notify(std::string_view server, std::string_view method, std::string_view params) {
  if (!session_.has(protocol::feature::kMessages)) return false;
  return send_notification(server, method, params).has_value();
}

Result<void> Request::send_notification(std::string_view server, std::string_view method,
                                        std::string_view params) {
  protocol::PayloadBuilder<protocol::NotificationEvent> event;
  event.fixed.correlation = correlation_;
  event.fixed.server = event.add(server);
  event.fixed.method = event.add(method);
  event.fixed.params = event.add(params);
  return session_.send_event(Method::kNotification, correlation_, event.take());
}

io::ServerRequestSink* Request::accept_questions(protocol::mcp::ClientAbilities abilities) {
  if (abilities == protocol::mcp::ClientAbilities()) return nullptr;
  if (!session_.has(protocol::feature::kMessages)) return nullptr;
  ServerQuestions::Client& client = *this;  // A private base: only this class may convert.
  questions_ = std::make_unique<ServerQuestions>(client, session_.services().values, abilities);
  return this;
}

void Request::on_server_request(std::unique_ptr<io::ServerRequest> question) {
  if (questions_ == nullptr || answered_) return question->refuse();
  questions_->ask(std::move(question));
}

void Request::on_server_answer(const protocol::ServerAnswerEvent& event, std::string_view result) {
  if (questions_ != nullptr) questions_->answer(event.key, event.kind, result);
}

void Request::on_room() {
  if (questions_ != nullptr) questions_->tell_waiting();
  if (room_observer_ != nullptr) room_observer_->on_room();
}

ServerQuestions::Client::Told Request::tell(std::uint64_t key, std::string_view method,
                                            std::string_view params) {
  protocol::PayloadBuilder<protocol::ServerRequestEvent> event;
  event.fixed.correlation = correlation_;
  event.fixed.key = key;
  event.fixed.method = event.add(method);
  event.fixed.params = event.add(params);
  const Result<void> sent = session_.send_event(Method::kServerRequest, correlation_, event.take());
  if (sent.has_value()) return Told::kYes;
  return sent.error().code == ErrorCode::kQueueFull ? Told::kLater : Told::kNever;
}

void Request::answer(FrameKind kind, Outcome outcome, std::string_view payload) {
  MCPWIRE_CHECK(!answered_);
  answered_ = true;
  if (session_.is_closed()) {
    ++session_.services().counters.undelivered;
    return;
  }
  // The answer before the word: whoever reads kDone after our death must find the answer there.
  Result<void> sent = session_.channel().send(protocol::make_header(kind, method_, outcome),
                                              correlation_, as_bytes(payload), {});
  if (!sent.has_value() && sent.error().kind != ErrorKind::kDisconnected) {
    sent = answer_undeliverable(sent.error());
  }
  if (!sent.has_value()) {
    ++session_.services().counters.undelivered;
    // The client waits for an answer that will not come: only the end of the connection tells it.
    session_.give_up();
    return;
  }
  if (is_relayed(method_)) publish(CallState::kDone);
}

Result<void> Request::answer_undeliverable(const Error& why) {
  // What the server did is not known to the client without the answer; other methods did nothing.
  const bool is_call = is_relayed(method_);
  const Outcome outcome = is_call ? Outcome::kUnknown : Outcome::kRejected;
  return session_.channel().send(protocol::make_header(FrameKind::kError, method_, outcome),
                                 correlation_, as_bytes(protocol::build_error_body(why, is_call)),
                                 {});
}

Outcome outcome_before_sending(const Error& error) noexcept {
  switch (error.kind) {
    case ErrorKind::kCancelled:
      return error.code == ErrorCode::kShuttingDown ? Outcome::kNotSent : Outcome::kCancelled;
    case ErrorKind::kInvalid:
    case ErrorKind::kOverloaded:
    case ErrorKind::kNotFound:
    case ErrorKind::kConfiguration:
    case ErrorKind::kUnsupported:
      return Outcome::kRejected;
    case ErrorKind::kDisconnected:
    case ErrorKind::kTimeout:
    case ErrorKind::kInternal:
      break;
  }
  return Outcome::kNotSent;
}

}  // namespace mcpwire::daemon
