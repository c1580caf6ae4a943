// SPDX-License-Identifier: MIT
#include "daemon/remote_transport.hpp"

#include "daemon/remote_server.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/mcp/revision.hpp"

#include <utility>

namespace mcpwire::daemon {
namespace {

using protocol::Outcome;

/// Nothing crossed. `cancelled` is for what the caller took back; a deadline, our own end and a
/// lost server are not that.
io::RpcReply not_sent(Error why) {
  const bool is_taken_back =
      why.kind == ErrorKind::kCancelled && why.code != ErrorCode::kShuttingDown;
  io::RpcReply reply;
  reply.outcome = is_taken_back ? Outcome::kCancelled : Outcome::kNotSent;
  reply.error = std::move(why);
  return reply;
}

/// The owner's half ends on the owner's loop.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> end_visit(std::shared_ptr<RemoteVisit> visit) {
  co_await visit->server->end();
  visit->server.reset();
  co_return Result<void>{};
}

}  // namespace

/// One request under way; lives in the frame of the task that waits for it.
class RemoteTransport::Waiting final : public io::CancelHook {
 public:
  Waiting(RemoteTransport& owner, const io::RequestOptions& its_options)
      : options(its_options), shot(owner.loop_), transport_(owner), id_(++owner.last_id_) {
    transport_.waiting_.emplace(id_, this);
  }
  ~Waiting() { transport_.waiting_.erase(id_); }
  std::uint64_t id() const noexcept { return id_; }

  const io::RequestOptions& options;
  io::OneShot<io::RpcReply> shot;

 private:
  void on_cancel(io::CancelCause cause) override {
    // The owner says how it ended: only there is known whether it was sent.
    transport_.ask([id = id_, cause](RemoteServer& server) { server.cancel(id, cause); });
  }

  RemoteTransport& transport_;
  std::uint64_t id_;
};

/// A question of the server, in the hands of the client's loop.
class RemoteTransport::Question final : public io::ServerRequest {
 public:
  Question(RemoteTransport& transport, std::uint64_t number, std::string method, std::string params)
      : port_(transport.port_),
        owner_(transport.owner_),
        visit_(transport.visit_),
        number_(number),
        method_(std::move(method)),
        params_(std::move(params)) {}
  ~Question() override { settle(RemoteAnswer::Kind::kRefused, {}); }

  std::string_view method() const noexcept override { return method_; }
  std::string_view params() const noexcept override { return params_; }
  void answer(std::string_view result_json) override {
    settle(RemoteAnswer::Kind::kResult, result_json);
  }
  void answer_error(std::string_view error_json) override {
    settle(RemoteAnswer::Kind::kError, error_json);
  }
  void refuse() override { settle(RemoteAnswer::Kind::kRefused, {}); }

 private:
  void settle(RemoteAnswer::Kind kind, std::string_view json) {
    if (std::exchange(is_settled_, true)) return;
    port_.send(owner_, [visit = visit_, answer = RemoteAnswer{number_, kind, std::string(json)}]() {
      if (visit->server != nullptr) visit->server->answer(answer);
    });
  }

  io::ShardPort& port_;  ///< Outlives every client of its loop.
  std::size_t owner_;
  std::shared_ptr<RemoteVisit> visit_;
  std::uint64_t number_;
  std::string method_;
  std::string params_;
  bool is_settled_ = false;
};

RemoteTransport::RemoteTransport(const ShardPlaces& places, std::size_t own, std::size_t owner,
                                 pool::ServerSpec spec, std::size_t& alive)
    : loop_(*places[own].loop),
      port_(*places[own].port),
      alive_(alive),
      owner_place_(places[owner]),
      owner_(owner),
      spec_(std::move(spec)),
      link_(std::make_shared<RemoteLink>()),
      visit_(std::make_shared<RemoteVisit>()),
      opened_(loop_),
      closed_(loop_) {
  link_->transport = this;
  ++alive_;
}

RemoteTransport::~RemoteTransport() {
  MCPWIRE_CHECK(waiting_.empty());
  link_->transport = nullptr;
  --alive_;
}

template <class F>
void RemoteTransport::ask(F function) {
  port_.send(owner_, [visit = visit_, function = std::move(function)]() mutable {
    if (visit->server != nullptr) function(*visit->server);
  });
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> RemoteTransport::open(io::CancelScope& scope, std::uint64_t) {
  MCPWIRE_CHECK(!has_visited_);
  if (scope.is_cancelled()) co_return fail(io::error_of(scope.cause()));
  has_visited_ = true;
  // The owner's pool bounds the opening by the same time limit.
  port_.send(owner_, [visit = visit_, link = link_, here = &owner_place_, client = port_.own(),
                      spec = std::move(spec_)]() mutable {
    visit->server = std::make_unique<RemoteServer>(*here, client, std::move(link));
    visit->server->open(std::move(spec));
  });
  Result<RemoteFacts> opened = co_await opened_.wait(scope);
  if (opened.has_value()) {
    facts_ = *std::move(opened);
    co_return Result<void>{};
  }
  co_await close();
  co_return fail(std::move(opened).error());
}

void RemoteTransport::on_opened(Result<RemoteFacts> opened) {
  // The server may end before the task that opens it runs again.
  is_open_ = opened.has_value() && !is_closing_;
  opened_.resolve(std::move(opened));
}

io::task<io::RpcReply> RemoteTransport::request(std::string_view method, std::string_view params,
                                                io::RequestOptions options) {
  MCPWIRE_CHECK(options.scope != nullptr);
  if (!is_open_) co_return not_sent(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
  if (options.scope->is_cancelled()) co_return not_sent(io::error_of(options.scope->cause()));
  if (options.observer != nullptr && !options.observer->may_send()) {
    io::RpcReply revoked =
        not_sent(Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller));
    revoked.outcome = Outcome::kNotSent;
    co_return std::move(revoked);
  }
  Waiting waiting(*this, options);
  RemoteCall call{.id = waiting.id(),
                  .method = std::string(method),
                  .params = copy_text(params),
                  .meta = std::string(options.meta),
                  .deadline_ns = options.deadline_ns,
                  .inactivity_ns = options.inactivity_ns,
                  .abilities = options.abilities,
                  .wants_progress = options.progress != nullptr,
                  .can_answer = options.server_requests != nullptr};
  ask([call = std::move(call)](RemoteServer& server) mutable { server.request(std::move(call)); });
  options.scope->attach(waiting);
  io::CancelScope never;
  Result<io::RpcReply> reply = co_await waiting.shot.wait(never);
  MCPWIRE_CHECK(reply.has_value());
  co_return *std::move(reply);
}

void RemoteTransport::on_sent(std::uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second->options.observer == nullptr) return;
  found->second->options.observer->on_sent();
}

void RemoteTransport::on_progress(std::uint64_t id, std::string_view params) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second->options.progress == nullptr) return;
  found->second->options.progress->on_progress(params);
}

void RemoteTransport::on_task_news(std::string_view task) {
  ++counters_.notifications;
  if (message_observer_ == nullptr) return;
  const bool is_modern = protocol::mcp::is_modern(facts_.info.revision);
  message_observer_->on_notification(
      is_modern ? protocol::mcp::kTaskChanged : protocol::mcp::kTaskStatus, task);
}

void RemoteTransport::on_log(std::uint64_t id, std::string_view params) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second->options.progress == nullptr) return;
  found->second->options.progress->on_log(params);
}

void RemoteTransport::on_question(std::uint64_t id, std::uint64_t question, std::string method,
                                  std::string params) {
  ++counters_.server_requests;
  // Whoever does not take it refuses it by letting it go.
  auto asked = std::make_unique<Question>(*this, question, std::move(method), std::move(params));
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second->options.server_requests == nullptr) return;
  found->second->options.server_requests->on_server_request(std::move(asked));
}

void RemoteTransport::on_reply(std::uint64_t id, io::RpcReply reply) {
  const auto found = waiting_.find(id);
  if (found != waiting_.end()) found->second->shot.resolve(std::move(reply));
}

void RemoteTransport::on_ended(const Error& why) {
  if (std::exchange(is_open_, false) && !is_closing_ && close_observer_ != nullptr) {
    close_observer_->on_transport_closed(why);
  }
}

io::task<void> RemoteTransport::close() {
  is_open_ = false;
  if (!has_visited_) co_return;
  if (!std::exchange(is_closing_, true)) {
    port_.send(owner_,
               [visit = visit_, here = &owner_place_] { here->visits->spawn(end_visit(visit)); });
  }
  io::CancelScope never;
  if (closed_.is_resolved()) co_return;
  [[maybe_unused]] const Result<void> closed = co_await closed_.wait(never);
}

void RemoteTransport::on_closed() { closed_.resolve({}); }

}  // namespace mcpwire::daemon
