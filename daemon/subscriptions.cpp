// SPDX-License-Identifier: MIT
#include "daemon/subscriptions.hpp"

#include "protocol/base/check.hpp"

#include <utility>

namespace mcpwire::daemon {

SubscriptionHub::SubscriptionHub(EventLoop& loop, pool::ConnectionPool& pool)
    : loop_(loop), pool_(pool), work_(loop) {
  pool::ServerObserver& observer = *this;  // A private base: only this class may convert.
  pool_.observe_servers(observer);
}

void SubscriptionHub::join(const FoundServer& server, Subscription& subscription) {
  std::shared_ptr<ServerFeed>& feed = feeds_[server.server->spec->identity];
  const bool is_new = feed == nullptr;
  if (is_new) {
    feed = std::make_shared<ServerFeed>(loop_, pool_, work_.cancel_scope(), server);
  }
  feed->add(subscription);
  // A copy: what starts here may change the map.
  if (is_new) work_.spawn(run(std::shared_ptr<ServerFeed>(feed)));
}

void SubscriptionHub::leave(const FoundServer& server, Subscription& subscription) {
  subscription.unlink();
  const auto found = feeds_.find(server.server->spec->identity);
  if (found == feeds_.end()) return;
  const std::shared_ptr<ServerFeed> feed = found->second;
  if (feed->has_listeners()) return feed->on_left();
  // Its task keeps it until it has let the server go.
  feeds_.erase(found);
  feed->end();
}

io::task<Result<void>> SubscriptionHub::run(std::shared_ptr<ServerFeed> feed) {
  co_return co_await feed->run();
}

io::task<void> SubscriptionHub::stop() {
  work_.cancel_scope().cancel(io::CancelCause::kShutdown);
  const Result<void> joined = co_await work_.join();
  MCPWIRE_CHECK(joined.has_value());  // feeds do not fail
  feeds_.clear();
}

void SubscriptionHub::on_server_notification(pool::PooledConnection& connection,
                                             std::string_view method, std::string_view params) {
  if (ServerFeed* const feed = feed_on(connection)) feed->on_notification(method, params);
}

void SubscriptionHub::on_server_lost(pool::PooledConnection& connection) {
  if (ServerFeed* const feed = feed_on(connection)) feed->on_lost();
}

ServerFeed* SubscriptionHub::feed_on(const pool::PooledConnection& connection) {
  const auto found = feeds_.find(connection.identity);
  const bool is_it = found != feeds_.end() && found->second->is_on(connection);
  return is_it ? found->second.get() : nullptr;
}

}  // namespace mcpwire::daemon
