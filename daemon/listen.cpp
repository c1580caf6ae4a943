// SPDX-License-Identifier: MIT
//
// subscriptions/listen of a client: the daemon's own, whatever the servers speak. It stays open
// and tells what the servers tell, until it is cancelled, its deadline passes or the daemon stops.
#include "daemon/handlers.hpp"
#include "daemon/request.hpp"
#include "daemon/server_access.hpp"
#include "daemon/subscriptions.hpp"
#include "daemon/untold.hpp"
#include "io/one_shot.hpp"
#include "io/sleep.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"

#include <list>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

struct ListenCall {
  std::string server;  ///< Empty: all.
  Interests interests;
  std::uint64_t deadline_ns = 0;
};

Result<ListenCall> parse_listen(protocol::json::ValueReader& reader, std::string_view payload) {
  const protocol::PayloadReader fields(as_bytes(payload));
  const auto fixed = TRY(fields.fixed<protocol::RpcRequest>());
  return ListenCall{std::string(TRY(fields.text(fixed.server))),
                    TRY(read_interests(reader, TRY(fields.text(fixed.params)))), fixed.deadline_ns};
}

/// Tells the client, and keeps what it has no room for.
class Teller final : public Request::RoomObserver {
 public:
  explicit Teller(Request& request) noexcept : request_(request) { request_.observe_room(this); }
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;
  ~Teller() { request_.observe_room(nullptr); }

  void tell(std::string_view server, std::string_view method, std::string_view params) {
    untold_.add({std::string(server), std::string(method), std::string(params)});
    on_room();
  }
  void on_room() override {
    while (!untold_.empty()) {
      const Told& first = untold_.front();
      if (!request_.notify(first.server, first.method, first.params)) return;
      untold_.pop();
    }
  }

 private:
  Request& request_;
  Untold untold_;
};

/// One server of one listening client.
class Listener final : public Subscription {
 public:
  /// All outlive it. `failure`: resolved where the server cannot be opened; null: nobody minds.
  Listener(SubscriptionHub& hub, FoundServer server, const Interests& interests, Teller& teller,
           io::OneShot<void>* failure)
      : Subscription(interests),
        hub_(hub),
        server_(std::move(server)),
        teller_(teller),
        failure_(failure) {
    hub_.join(server_, *this);
  }
  ~Listener() { hub_.leave(server_, *this); }

  void on_heard(std::string_view method, std::string_view params) override {
    failure_ = nullptr;  // Once it was there it is waited for.
    teller_.tell(server_.server->name, method, params);
  }
  void on_unreachable(const Error& why) override {
    if (failure_ != nullptr) failure_->resolve(fail(why));
  }

 private:
  SubscriptionHub& hub_;
  FoundServer server_;
  Teller& teller_;
  io::OneShot<void>* failure_;
};

/// The servers meant. One that is named must be usable; of all, those that are.
Result<std::vector<FoundServer>> servers_of(const ConfigurationPointer& configuration,
                                            const std::string& only) {
  std::vector<FoundServer> servers;
  if (!only.empty()) {
    servers.push_back(TRY(find_server(configuration, only)));
    return servers;
  }
  for (const ConfiguredServer& server : configuration->servers) {
    if (server.spec.has_value()) servers.push_back({configuration, &server});
  }
  return servers;
}

/// Ends with the reason for the end; without one if the time is up.
// The request lives in the handler's frame.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> listen(Request& request, ListenCall call) {
  Session& session = request.session();
  Services& services = session.services();
  const Result<ConfigurationPointer> configuration =
      co_await session.configuration(request.scope());
  if (!configuration.has_value()) co_return fail(configuration.error());
  const Result<std::vector<FoundServer>> servers = servers_of(*configuration, call.server);
  if (!servers.has_value()) co_return fail(servers.error());
  if (services.subscriptions == nullptr || servers->empty()) {
    co_return fail(ErrorKind::kConfiguration, ErrorCode::kConfigMissing,
                   std::string("there is no server to listen to"));
  }
  io::CancelScope patience(request.scope());
  io::DeadlineTimer deadline(services.loop, patience);
  if (call.deadline_ns != 0) deadline.set(call.deadline_ns);
  io::OneShot<void> end(services.loop);
  Teller teller(request);
  std::list<Listener> listeners;
  for (const FoundServer& server : *servers) {
    listeners.emplace_back(*services.subscriptions, server, call.interests, teller,
                           call.server.empty() ? nullptr : &end);
  }
  const Result<void> ended = co_await end.wait(patience);
  if (patience.cause() == io::CancelCause::kDeadline) co_return Result<void>{};
  co_return fail(ended.error());
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<void> serve_listen(Request& request, std::string payload) {
  Result<ListenCall> call = parse_listen(request.session().services().values, payload);
  if (!call.has_value()) {
    request.answer_not_started(call.error());
    co_return;
  }
  const Result<void> ended = co_await listen(request, *std::move(call));
  if (ended.has_value()) {
    request.answer_ok("{}");
  } else {
    request.answer_not_started(ended.error());
  }
}

}  // namespace mcpwire::daemon
