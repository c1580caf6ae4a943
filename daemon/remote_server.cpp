// SPDX-License-Identifier: MIT
#include "daemon/remote_server.hpp"

#include "daemon/log_levels.hpp"
#include "daemon/remote_transport.hpp"
#include "daemon/subscription_exchange.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"

#include <string>
#include <utility>

namespace mcpwire::daemon {

RemoteVisit::RemoteVisit() = default;
RemoteVisit::~RemoteVisit() = default;

/// One request of the other loop's client; lives in the frame that serves it.
class RemoteServer::Serving final : public io::SendObserver,
                                    public io::ProgressSink,
                                    public io::ServerRequestSink {
 public:
  Serving(RemoteServer& server, const RemoteCall& call)
      : scope(server.requests_.cancel_scope()), server_(server), id_(call.id) {
    server_.serving_.emplace(id_, this);
  }
  ~Serving() { server_.serving_.erase(id_); }

  bool may_send() override { return true; }  // The client's loop has asked.
  void on_sent() override {
    server_.tell([id = id_](RemoteTransport& transport) { transport.on_sent(id); });
  }
  void on_progress(std::string_view params) override {
    server_.advise([id = id_, text = std::string(params)](RemoteTransport& transport) {
      transport.on_progress(id, text);
    });
  }
  void on_log(std::string_view params) override {
    server_.advise([id = id_, text = std::string(params)](RemoteTransport& transport) {
      transport.on_log(id, text);
    });
  }
  void on_server_request(std::unique_ptr<io::ServerRequest> request) override {
    const std::uint64_t question = ++server_.last_question_;
    server_.tell([id = id_, question, method = std::string(request->method()),
                  params = std::string(request->params())](RemoteTransport& transport) mutable {
      transport.on_question(id, question, std::move(method), std::move(params));
    });
    server_.questions_.emplace(question, std::move(request));
  }

  io::CancelScope scope;

 private:
  RemoteServer& server_;
  std::uint64_t id_;
};

/// Tells the client's loop what the server says of its tasks: one of them may be waited for there.
class RemoteServer::TaskEar final : public io::TaskNews::Watcher {
 public:
  explicit TaskEar(RemoteServer& server) : Watcher(server.lease_.transport()), server_(server) {
    server.here_.subscriptions->task_news().watch(*this);
  }
  void on_task_news(std::string_view task) override {
    server_.advise(
        [text = std::string(task)](RemoteTransport& transport) { transport.on_task_news(text); });
  }

 private:
  RemoteServer& server_;
};

RemoteServer::RemoteServer(const ShardPlace& here, std::size_t client,
                           std::shared_ptr<RemoteLink> link)
    : here_(here), client_(client), link_(std::move(link)), requests_(*here.loop) {}

RemoteServer::~RemoteServer() { MCPWIRE_CHECK(serving_.empty()); }

template <class F>
void RemoteServer::tell(F function) {
  here_.port->send(client_, [link = link_, function = std::move(function)]() mutable {
    if (link->transport != nullptr) function(*link->transport);
  });
}

template <class F>
void RemoteServer::advise(F function) {
  if (link_->advice_on_its_way.load(std::memory_order_relaxed) >= kAdviceMax) return;
  link_->advice_on_its_way.fetch_add(1, std::memory_order_relaxed);
  here_.port->send(client_, [link = link_, function = std::move(function)]() mutable {
    link->advice_on_its_way.fetch_sub(1, std::memory_order_relaxed);
    if (link->transport != nullptr) function(*link->transport);
  });
}

void RemoteServer::open(pool::ServerSpec spec) { requests_.spawn(open_server(std::move(spec))); }

io::task<Result<void>> RemoteServer::open_server(pool::ServerSpec spec) {
  Result<pool::Lease> opened = co_await here_.pool->get(std::move(spec), requests_.cancel_scope());
  Result<RemoteFacts> facts = fail(ErrorKind::kInternal, ErrorCode::kUnspecified);
  if (opened.has_value()) {
    lease_ = *std::move(opened);
    last_used_ns_ = here_.loop->now_ns();
    lease_.connection().end_observers.push_back(*this);
    if (here_.subscriptions != nullptr) task_ear_ = std::make_unique<TaskEar>(*this);
    facts = RemoteFacts{lease_.transport().server_info(), lease_.transport().process_id()};
  } else {
    facts = fail(std::move(opened).error());
  }
  tell([facts = std::move(facts)](RemoteTransport& transport) mutable {
    transport.on_opened(std::move(facts));
  });
  co_return Result<void>{};
}

void RemoteServer::on_connection_ended(const Error& why) {
  tell([why](RemoteTransport& transport) { transport.on_ended(why); });
}

void RemoteServer::request(RemoteCall call) { requests_.spawn(serve(std::move(call))); }

io::task<Result<void>> RemoteServer::serve(RemoteCall call) {
  Serving serving(*this, call);
  // The client asks for nothing before it was told that the server is open.
  MCPWIRE_CHECK(static_cast<bool>(lease_));
  ++lease_.connection().calls;
  io::RequestOptions options{.scope = &serving.scope,
                             .deadline_ns = call.deadline_ns,
                             .inactivity_ns = call.inactivity_ns,
                             .observer = &serving};
  options.progress = call.wants_progress ? &serving : nullptr;
  options.meta = call.meta;
  options.abilities = call.abilities;
  options.server_requests = call.can_answer ? &serving : nullptr;
  io::RpcReply reply = co_await send(call, options);
  last_used_ns_ = here_.loop->now_ns();
  // The memory of a large line is this loop's.
  reply.body = io::RpcBody(reply.body.release_text());
  tell([id = call.id, reply = std::move(reply)](RemoteTransport& transport) mutable {
    transport.on_reply(id, std::move(reply));
  });
  co_return Result<void>{};
}

/// The log level of the other loop's clients is one wish among others here.
io::task<io::RpcReply> RemoteServer::send(
    const RemoteCall& call,  // outlives: awaited in the same expression
    io::RequestOptions options) {
  if (here_.log_levels != nullptr) {
    const bool is_level = call.method == protocol::mcp::kSetLevel;
    const auto level = is_level ? read_log_level(reader_, call.params) : std::nullopt;
    if (level.has_value()) return here_.log_levels->set(this, lease_, *level, options);
    here_.log_levels->on_use(lease_.connection());
  }
  return lease_.transport().request(call.method, call.params, options);
}

void RemoteServer::cancel(std::uint64_t id, io::CancelCause cause) {
  const auto found = serving_.find(id);
  // Else its answer is on its way.
  if (found != serving_.end()) found->second->scope.cancel(cause);
}

void RemoteServer::answer(const RemoteAnswer& answer) {
  const auto found = questions_.find(answer.question);
  if (found == questions_.end()) return;
  const std::unique_ptr<io::ServerRequest> question = std::move(found->second);
  questions_.erase(found);
  switch (answer.kind) {
    case RemoteAnswer::Kind::kResult:
      return question->answer(answer.json);
    case RemoteAnswer::Kind::kError:
      return question->answer_error(answer.json);
    case RemoteAnswer::Kind::kRefused:
      return question->refuse();
  }
}

void RemoteServer::give_back_lease() {
  if (!lease_) return;
  const pool::PooledConnection& connection = lease_.connection();
  // The other loop lets go of what was idle for long, or what its configurations name no more. Here
  // it would be kept for as long again.
  const bool is_last_user = connection.leases == 1 && connection.last_used_ns <= last_used_ns_;
  if (is_last_user) here_.pool->remove_if_current(connection);
  lease_ = pool::Lease();
}

io::task<void> RemoteServer::end() {
  requests_.cancel_scope().cancel(io::CancelCause::kShutdown);
  const Result<void> joined = co_await requests_.join();
  MCPWIRE_CHECK(joined.has_value());
  questions_.clear();
  task_ear_.reset();
  if (here_.log_levels != nullptr) here_.log_levels->forget(this);
  pool::EndObserver::unlink();
  give_back_lease();
  tell([](RemoteTransport& transport) { transport.on_closed(); });
}

}  // namespace mcpwire::daemon
