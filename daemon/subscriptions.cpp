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
  const std::string& identity = server.server->spec->identity;
  if (exchange_ != nullptr && !exchange_->owns(identity)) {
    return exchange_->join(server, subscription);
  }
  std::shared_ptr<ServerFeed>& feed = feeds_[identity];
  const bool is_new = feed == nullptr;
  if (is_new) {
    feed = std::make_shared<ServerFeed>(loop_, pool_, work_.cancel_scope(), server);
  }
  feed->add(subscription);
  // A copy: what starts here may change the map.
  if (is_new) work_.spawn(run(std::shared_ptr<ServerFeed>(feed)));
}

void SubscriptionHub::leave(const FoundServer& server, Subscription& subscription) {
  const std::string& identity = server.server->spec->identity;
  if (exchange_ != nullptr && !exchange_->owns(identity)) return exchange_->leave(subscription);
  subscription.unlink();
  const auto found = feeds_.find(identity);
  // A copy: what is told may end it.
  if (found != feeds_.end()) std::shared_ptr<ServerFeed>(found->second)->on_left();
}

io::task<Result<void>> SubscriptionHub::run(std::shared_ptr<ServerFeed> feed) {
  const Result<void> ended = co_await feed->run();
  // Nobody joins it from here on.
  std::erase_if(feeds_, [&feed](const auto& entry) { return entry.second == feed; });
  co_return ended;
}

io::task<void> SubscriptionHub::stop() {
  if (exchange_ != nullptr) exchange_->stop();
  work_.cancel_scope().cancel(io::CancelCause::kShutdown);
  const Result<void> joined = co_await work_.join();
  MCPWIRE_CHECK(joined.has_value());  // feeds do not fail
  feeds_.clear();
}

void SubscriptionHub::on_server_notification(pool::PooledConnection& connection,
                                             std::string_view method, std::string_view params) {
  task_news_.tell(*connection.transport, method, params);
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
