// SPDX-License-Identifier: MIT
#include "tests/support/fake_mcp_transport.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

namespace mcpwire::test_support {
namespace {

using io::RpcReply;
using protocol::Outcome;

RpcReply without_answer(Outcome outcome, Error why, bool may_have_been_sent) {
  return RpcReply{outcome, {}, std::move(why), may_have_been_sent};
}

}  // namespace

/// One request in flight; lives in its coroutine.
struct FakeMcpTransport::Waiting final : private Timer {
  Waiting(EventLoop& event_loop, std::string_view request_method, std::string_view request_params,
          const io::RequestOptions& request_options)
      : loop(event_loop),
        shot(event_loop),
        method(request_method),
        params(request_params),
        meta(request_options.meta),
        options(request_options) {
    restart_inactivity();
  }

  void restart_inactivity() {
    const std::uint64_t now_ns = loop.now_ns();
    const std::uint64_t silent_until =
        options.inactivity_ns < kNever - now_ns ? now_ns + options.inactivity_ns : kNever;
    const std::uint64_t earliest = std::min(silent_until, options.deadline_ns);
    if (earliest != kNever) loop.arm(*this, earliest);
  }

  EventLoop& loop;
  io::OneShot<RpcReply> shot;
  std::string method;
  std::string params;
  std::string meta;
  io::RequestOptions options;

 private:
  void on_timer() override {
    shot.resolve(without_answer(
        Outcome::kUnknown, Error::of(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded), true));
  }
};

FakeMcpTransport::~FakeMcpTransport() { MCPWIRE_CHECK(waiting_.empty()); }

namespace {

class GateTimer final : public Timer {
 public:
  explicit GateTimer(io::OneShot<void>& gate) noexcept : gate_(gate) {}
  void on_timer() override {
    gate_.resolve(fail(ErrorKind::kTimeout, ErrorCode::kHandshakeFailed));
  }

 private:
  io::OneShot<void>& gate_;
};

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> FakeMcpTransport::open(io::CancelScope& scope, std::uint64_t deadline_ns) {
  ++opens_;
  if (open_held_) {
    io::OneShot<void> gate(loop_);
    GateTimer timer(gate);
    if (deadline_ns != kNever) loop_.arm(timer, deadline_ns);
    open_gate_ = &gate;
    const Result<void> released = co_await gate.wait(scope);
    open_gate_ = nullptr;
    if (!released.has_value()) co_return fail(released.error());
  }
  is_open_ = open_result_.has_value();
  co_return open_result_;
}

void FakeMcpTransport::release_open() {
  open_held_ = false;
  if (open_gate_ != nullptr) open_gate_->resolve({});
}

io::task<RpcReply> FakeMcpTransport::request(std::string_view method, std::string_view params,
                                             io::RequestOptions options) {
  MCPWIRE_CHECK(options.scope != nullptr);
  if (!is_open_) {
    co_return without_answer(Outcome::kNotSent,
                             Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed), false);
  }
  if (options.scope->is_cancelled()) {
    co_return without_answer(Outcome::kCancelled, error_of(options.scope->cause()), false);
  }
  if (options.deadline_ns <= loop_.now_ns()) {
    co_return without_answer(Outcome::kNotSent,
                             Error::of(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded), false);
  }
  if (options.observer != nullptr && !options.observer->may_send()) {
    co_return without_answer(
        Outcome::kNotSent, Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller), false);
  }
  sent_methods_.emplace_back(method);
  if (options.observer != nullptr) options.observer->on_sent();

  Waiting waiting(loop_, method, params, options);
  if (handler) {
    if (std::optional<RpcReply> reply = handler(method, params)) {
      waiting.shot.resolve(*std::move(reply));
    }
  }
  waiting_.push_back(&waiting);
  Result<RpcReply> reply = co_await waiting.shot.wait(*options.scope);
  waiting_.remove(&waiting);
  if (reply.has_value()) co_return *std::move(reply);
  const bool is_late = reply.error().code == ErrorCode::kDeadlineExceeded;
  co_return without_answer(is_late ? Outcome::kUnknown : Outcome::kCancelled, reply.error(), true);
}

io::task<void> FakeMcpTransport::close() {
  ++closes_;
  is_open_ = false;
  fail_all(Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown));
  if (close_held_) {
    io::CancelScope never;
    io::OneShot<void> gate(loop_);
    close_gate_ = &gate;
    const Result<void> released = co_await gate.wait(never);
    MCPWIRE_CHECK(released.has_value());
    close_gate_ = nullptr;
  }
}

void FakeMcpTransport::release_close() {
  close_held_ = false;
  if (close_gate_ != nullptr) close_gate_->resolve({});
}

const FakeMcpTransport::Waiting& FakeMcpTransport::at(std::size_t index) const {
  MCPWIRE_CHECK(index < waiting_.size());
  return **std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(index));
}

const std::string& FakeMcpTransport::waiting_method(std::size_t index) const {
  return at(index).method;
}

const std::string& FakeMcpTransport::waiting_params(std::size_t index) const {
  return at(index).params;
}

void FakeMcpTransport::answer(std::size_t index, RpcReply reply) {
  MCPWIRE_CHECK(index < waiting_.size());
  (*std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(index)))
      ->shot.resolve(std::move(reply));
}

void FakeMcpTransport::answer_ok(std::size_t index, std::string result_json) {
  answer(index, RpcReply{Outcome::kOk, std::move(result_json), {}, true});
}

void FakeMcpTransport::answer_error(std::size_t index, std::string error_json) {
  answer(index, RpcReply{Outcome::kPeerError, std::move(error_json), {}, true});
}

void FakeMcpTransport::progress(std::size_t index, std::string_view params) {
  MCPWIRE_CHECK(index < waiting_.size());
  Waiting& waiting = **std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(index));
  waiting.restart_inactivity();
  if (waiting.options.progress != nullptr) waiting.options.progress->on_progress(params);
}

std::string_view FakeMcpTransport::waiting_meta(std::size_t index) const { return at(index).meta; }

protocol::mcp::ClientAbilities FakeMcpTransport::waiting_abilities(std::size_t index) const {
  return at(index).options.abilities;
}

namespace {

class FakeServerRequest final : public io::ServerRequest {
 public:
  FakeServerRequest(std::string method, std::string params, std::vector<std::string>& answers)
      : method_(std::move(method)), params_(std::move(params)), answers_(&answers) {}
  ~FakeServerRequest() override { refuse(); }
  std::string_view method() const noexcept override { return method_; }
  std::string_view params() const noexcept override { return params_; }
  void answer(std::string_view result_json) override { end("result " + std::string(result_json)); }
  void answer_error(std::string_view error_json) override {
    end("error " + std::string(error_json));
  }
  void refuse() override { end("refused"); }

 private:
  void end(std::string answer) {
    if (answers_ != nullptr) std::exchange(answers_, nullptr)->push_back(std::move(answer));
  }

  std::string method_;
  std::string params_;
  std::vector<std::string>* answers_;
};

}  // namespace

bool FakeMcpTransport::ask(std::size_t index, std::string method, std::string params) {
  io::ServerRequestSink* const sink = at(index).options.server_requests;
  if (sink == nullptr) return false;
  sink->on_server_request(
      std::make_unique<FakeServerRequest>(std::move(method), std::move(params), answers));
  return true;
}

void FakeMcpTransport::notify(std::string_view method, std::string_view params) {
  ++counted.notifications;
  if (message_observer_ != nullptr) message_observer_->on_notification(method, params);
}

void FakeMcpTransport::lose(const Error& why) {
  if (!is_open_) return;
  is_open_ = false;
  fail_all(why);
  if (close_observer_ != nullptr) close_observer_->on_transport_closed(why);
}

void FakeMcpTransport::fail_all(const Error& why) {
  for (Waiting* waiting : waiting_) {
    waiting->shot.resolve(without_answer(Outcome::kUnknown, why, true));
  }
}

std::size_t FakeMcpTransport::sent(std::string_view method) const {
  if (method.empty()) return sent_methods_.size();
  return static_cast<std::size_t>(std::ranges::count(sent_methods_, method));
}

}  // namespace mcpwire::test_support
