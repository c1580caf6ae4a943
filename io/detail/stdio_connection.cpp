// SPDX-License-Identifier: MIT
#include "io/detail/stdio_connection.hpp"

#include "io/redaction.hpp"
#include "protocol/base/check.hpp"

#include <csignal>
#include <utility>

namespace mcpwire::io::detail {

StdioConnection::StdioConnection(EventLoop& loop, RpcCodec& codec,
                                 const StdioTransportOptions& options, Owner& owner,
                                 std::unique_ptr<ChildProcess> child)
    : loop_(loop),
      options_(options),
      owner_(owner),
      stderr_(*this, options.limits.stderr_bytes_max),
      framer_(*this, options.limits.line_bytes_max, &codec.lines),
      child_(std::move(child)),
      session_(loop, child_->standard_input(), codec, *this,
               {.queue_bytes_max = options.limits.queue_bytes_max, .outgoing = options.outgoing}),
      ladder_(loop, *child_, options.stop_times) {}

StdioConnection::~StdioConnection() {
  MCPWIRE_CHECK(exit_waiters_.empty());
  MCPWIRE_CHECK(session_.in_flight() == 0);
}

Result<std::unique_ptr<StdioConnection>> StdioConnection::start(
    EventLoop& loop, ProcessSpawner& spawner, RpcCodec& codec, const StdioTransportOptions& options,
    Owner& owner) {
  std::unique_ptr<ChildProcess> child = TRY(spawner.spawn(options.server));
  std::unique_ptr<StdioConnection> connection(
      new StdioConnection(loop, codec, options, owner, std::move(child)));
  ByteReader::Sink& output = *connection;  // A private base: only this class may convert.
  connection->child_->observe_exit(*connection);
  connection->child_->standard_output().start(output);
  connection->child_->standard_error().start(connection->stderr_);
  return connection;
}

// --- What the server says --------------------------------------------------------------------

void StdioConnection::on_notification(std::string_view method, std::string_view params) {
  owner_.on_notification(method, params);
}

void StdioConnection::on_junk_line(std::string_view line) {
  const std::uint64_t count = session_.counters().junk_lines;
  if (count <= options_.junk_lines_shown) owner_.on_junk_line(line);
  if (count > options_.limits.junk_lines_max) {
    break_off("the server wrote more than " + std::to_string(options_.limits.junk_lines_max) +
              " lines to its standard output that are not JSON-RPC (limits.junkLines)");
  }
}

void StdioConnection::on_line(std::string_view line) { session_.on_line(line); }

void StdioConnection::on_large_line(std::string_view line, LargeLine memory) {
  session_.on_large_line(line, std::move(memory));
}

void StdioConnection::on_oversize() {
  break_off("the server wrote a line of more than " +
            std::to_string(options_.limits.line_bytes_max) + " bytes (limits.lineBytes)");
}

// --- Ending ----------------------------------------------------------------------------------

void StdioConnection::on_read_end(const Error&) {
  framer_.finish();
  output_ended_ = true;
  begin_ending();
}

void StdioConnection::StderrSink::on_read_end(const Error&) {
  has_ended = true;
  // Servers may close their stderr and live on.
  if (owner.state_ == State::kEnding) owner.end_if_complete();
}

void StdioConnection::on_exit(ExitStatus status) {
  exit_ = status;
  ladder_.on_exited();
  while (ExitWaiter* waiter = exit_waiters_.pop_front()) waiter->shot.resolve({});
  begin_ending();
}

void StdioConnection::on_write_failed(const Error&) { begin_ending(); }

void StdioConnection::on_writer_idle() {
  if (state_ == State::kEnding) end_if_complete();
}

void StdioConnection::begin_ending() {
  if (state_ == State::kEnded) return;
  if (state_ != State::kEnding) {
    state_ = State::kEnding;
    session_.stop_sending();
    loop_.arm(*this, loop_.now_ns() + options_.drain_ns);
  }
  end_if_complete();
}

void StdioConnection::end_if_complete() {
  const bool is_complete =
      output_ended_ && stderr_.has_ended && exit_.has_value() && !session_.is_writing();
  if (is_complete) end(exit_error(), TellOwner::kYes);
}

void StdioConnection::end(const Error& why, TellOwner tell) {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  loop_.disarm(*this);
  framer_.stop();
  child_->standard_output().close();
  session_.fail_all(why);
  child_->standard_input().close();
  ladder_.start();
  if (tell == TellOwner::kYes) owner_.on_connection_ended(why);
}

void StdioConnection::end_quietly(const Error& why) { end(why, TellOwner::kNo); }

void StdioConnection::break_off(std::string why) {
  end(Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::move(why)),
      TellOwner::kYes);
}

task<void> StdioConnection::wait_for_exit() {
  if (exit_.has_value()) co_return;
  CancelScope never;
  ExitWaiter waiter(loop_);
  exit_waiters_.push_back(waiter);
  static_cast<void>(co_await waiter.shot.wait(never));
}

Error StdioConnection::exit_error() const {
  std::string text = "the server closed its connection";
  if (exit_.has_value()) {
    text = exit_->by_signal ? "the server was killed by signal " : "the server exited with code ";
    text += std::to_string(exit_->code);
    const bool has_used_up_its_time = exit_->by_signal && exit_->code == SIGXCPU;
    if (has_used_up_its_time && options_.server.limits.cpu_seconds != 0) {
      text += " (limits.cpuSeconds)";
    }
  }
  return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kServerExited,
                            with_last_words(std::move(text)));
}

std::string StdioConnection::with_last_words(std::string text) const {
  // All of it, and not only the last line: a secret may have several lines.
  const std::string all = redact(stderr_.tail.text(), options_.server);
  std::string_view line = last_line_of(all);
  const bool has_lost_its_beginning = stderr_.tail.is_full() && line.data() == all.data();
  if (has_lost_its_beginning && line.size() > kShownBytesMax) {
    // In front there may be the second half of a secret.
    line.remove_prefix(line.size() - kShownBytesMax);
  }
  const std::string shown = shown_text(line, options_.server);
  if (!shown.empty()) text += "; its last words: " + shown;
  return text;
}

}  // namespace mcpwire::io::detail
