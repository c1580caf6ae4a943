// SPDX-License-Identifier: MIT
#include "io/stdio_transport.hpp"

#include "io/detail/redaction.hpp"
#include "io/detail/rpc_messages.hpp"
#include "protocol/base/check.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io {

using protocol::Outcome;

StdioTransport::StdioTransport(EventLoop& loop, ProcessSpawner& spawner, RpcCodec& codec,
                               StdioTransportOptions options)
    : loop_(loop),
      spawner_(spawner),
      codec_(codec),
      options_(std::move(options)),
      stderr_(*this),
      framer_(*this, options_.line_bytes_max, &codec_.lines) {}

StdioTransport::~StdioTransport() {
  MCPWIRE_CHECK(exit_waiters_.empty());
  MCPWIRE_CHECK(!session_.has_value() || session_->in_flight() == 0);
}

// --- Opening ---------------------------------------------------------------------------------

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> StdioTransport::open(CancelScope& scope, std::uint64_t deadline_ns) {
  MCPWIRE_CHECK(state_ == State::kNew);
  if (scope.is_cancelled()) co_return fail(error_of(scope.cause()));
  const Result<void> started = start_process();
  if (!started.has_value()) {
    state_ = State::kEnded;
    co_return fail(started.error());
  }
  const Result<void> agreed = co_await shake_hands(scope, deadline_ns);
  if (agreed.has_value()) co_return agreed;
  end(agreed.error());
  ladder_->kill_now();
  co_await wait_for_exit();
  co_return agreed;
}

Result<void> StdioTransport::start_process() {
  child_ = TRY(spawner_.spawn(options_.server));
  state_ = State::kOpening;
  detail::RpcSession::Owner& owner = *this;  // A private base: only this class may convert.
  session_.emplace(loop_, child_->standard_input(), codec_, owner, options_.queue_bytes_max);
  ladder_.emplace(loop_, *child_, options_.stop_times);
  child_->observe_exit(*this);
  child_->standard_output().start(*this);
  child_->standard_error().start(stderr_);
  return {};
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> StdioTransport::shake_hands(CancelScope& scope, std::uint64_t deadline_ns) {
  const std::string params = detail::initialize_params();
  const RpcReply reply = co_await session_->request(detail::kInitialize, params,
                                                    {.scope = &scope, .deadline_ns = deadline_ns});
  if (reply.outcome != Outcome::kOk) co_return fail(handshake_error(reply));
  Result<ServerInfo> info = detail::read_initialize_result(codec_.values, reply.body);
  if (!info.has_value()) {
    const Error& why = info.error();
    const std::string text = why.detail != nullptr ? *why.detail : std::string();
    co_return fail(why.kind, why.code, detail::shown_text(text, options_.server));
  }
  // The server may have answered and died before this coroutine ran.
  if (state_ != State::kOpening) co_return fail(exit_error());
  server_info_ = *std::move(info);
  if (server_info_.protocol_version == detail::kBatchRevision) session_->allow_batches();
  session_->notify(detail::kInitialized, {});
  state_ = State::kOpen;
  was_open_ = true;
  co_return Result<void>{};
}

Error StdioTransport::handshake_error(const RpcReply& reply) const {
  if (reply.outcome == Outcome::kPeerError) {
    const std::string why = detail::read_error_text(codec_.values, reply.body);
    return Error::with_detail(
        ErrorKind::kInvalid, ErrorCode::kHandshakeFailed,
        "the server refused initialize: " + detail::shown_text(why, options_.server));
  }
  if (reply.error.code == ErrorCode::kDeadlineExceeded) {
    return Error::with_detail(ErrorKind::kTimeout, ErrorCode::kHandshakeFailed,
                              with_last_words("the server did not answer initialize in time"));
  }
  return reply.error;
}

// --- Requests --------------------------------------------------------------------------------

task<RpcReply> StdioTransport::request(std::string_view method, std::string_view params,
                                       RequestOptions options) {
  MCPWIRE_CHECK(options.scope != nullptr);
  if (state_ != State::kOpen) {
    co_return RpcReply{
        Outcome::kNotSent, {}, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed), false};
  }
  co_return co_await session_->request(method, params, options);
}

void StdioTransport::on_notification(std::string_view method, std::string_view params) {
  if (message_observer_ != nullptr) message_observer_->on_notification(method, params);
}

void StdioTransport::on_junk_line(std::string_view line) {
  const std::uint64_t count = session_->counters().junk_lines;
  if (count <= options_.junk_lines_shown && message_observer_ != nullptr) {
    message_observer_->on_junk_line(line);
  }
  if (count > options_.junk_lines_max) {
    break_off("the server wrote more than " + std::to_string(options_.junk_lines_max) +
              " lines to its standard output that are not JSON-RPC");
  }
}

void StdioTransport::on_line(std::string_view line) { session_->on_line(line); }

void StdioTransport::on_large_line(std::string_view line, LargeLine memory) {
  session_->on_large_line(line, std::move(memory));
}

void StdioTransport::on_oversize() {
  break_off("the server wrote a line of more than " + std::to_string(options_.line_bytes_max) +
            " bytes");
}

// --- Ending ----------------------------------------------------------------------------------

void StdioTransport::on_bytes(ByteSpan bytes) { framer_.feed(bytes); }

void StdioTransport::on_read_end(const Error&) {
  framer_.finish();
  output_ended_ = true;
  begin_ending();
}

void StdioTransport::StderrSink::on_read_end(const Error&) {
  has_ended = true;
  // Servers may close their stderr and live on.
  if (owner.state_ == State::kEnding) owner.end_if_complete();
}

void StdioTransport::on_exit(ExitStatus status) {
  exit_ = status;
  ladder_->on_exited();
  while (ExitWaiter* waiter = exit_waiters_.pop_front()) waiter->shot.resolve({});
  begin_ending();
}

void StdioTransport::on_write_failed(const Error&) { begin_ending(); }

void StdioTransport::on_writer_idle() {
  if (state_ == State::kEnding) end_if_complete();
}

void StdioTransport::begin_ending() {
  if (state_ == State::kEnded) return;
  if (state_ != State::kEnding) {
    state_ = State::kEnding;
    session_->stop_sending();
    loop_.arm(*this, loop_.now_ns() + options_.drain_ns);
  }
  end_if_complete();
}

void StdioTransport::end_if_complete() {
  const bool is_complete =
      output_ended_ && stderr_.has_ended && exit_.has_value() && !session_->is_writing();
  if (is_complete) end(exit_error());
}

void StdioTransport::end(const Error& why) {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  loop_.disarm(*this);
  framer_.stop();
  child_->standard_output().close();
  session_->fail_all(why);
  child_->standard_input().close();
  ladder_->start();
  if (std::exchange(was_open_, false) && close_observer_ != nullptr) {
    close_observer_->on_transport_closed(why);
  }
}

void StdioTransport::break_off(std::string why) {
  end(Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::move(why)));
}

Error StdioTransport::exit_error() const {
  std::string text = "the server closed its connection";
  if (exit_.has_value()) {
    text = exit_->by_signal ? "the server was killed by signal " : "the server exited with code ";
    text += std::to_string(exit_->code);
  }
  return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kServerExited,
                            with_last_words(std::move(text)));
}

std::string StdioTransport::with_last_words(std::string text) const {
  // All of it, and not only the last line: a secret may have several lines.
  const std::string all = detail::redact(stderr_.tail.text(), options_.server);
  std::string_view line = detail::last_line_of(all);
  const bool has_lost_its_beginning = stderr_.tail.is_full() && line.data() == all.data();
  if (has_lost_its_beginning && line.size() > detail::kShownBytesMax) {
    // In front there may be the second half of a secret.
    line.remove_prefix(line.size() - detail::kShownBytesMax);
  }
  const std::string shown = detail::shown_text(line, options_.server);
  if (!shown.empty()) text += "; its last words: " + shown;
  return text;
}

task<void> StdioTransport::close() {
  was_open_ = false;
  if (child_ == nullptr) {
    state_ = State::kEnded;
    co_return;
  }
  end(Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown));
  ladder_->start();
  co_await wait_for_exit();
}

task<void> StdioTransport::wait_for_exit() {
  if (exit_.has_value()) co_return;
  CancelScope never;
  ExitWaiter waiter(loop_);
  exit_waiters_.push_back(waiter);
  static_cast<void>(co_await waiter.shot.wait(never));
}

std::int32_t StdioTransport::process_id() const noexcept {
  return child_ != nullptr && !exit_.has_value() ? child_->process_id() : 0;
}

const TransportCounters& StdioTransport::counters() const noexcept {
  static const TransportCounters kNone;
  return session_.has_value() ? session_->counters() : kNone;
}

}  // namespace mcpwire::io
