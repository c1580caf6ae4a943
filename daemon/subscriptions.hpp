// SPDX-License-Identifier: MIT
//
// SubscriptionHub: who listens to which server. All listeners of one server share one feed,
// whatever their configurations call it, and whatever loop they are on: the feed is the owner's.
//
// Threading: the loop's thread.
// Invariants: stop() has ended before it is destroyed; subscriptions have left by then.
#pragma once

#include "daemon/server_feed.hpp"
#include "daemon/subscription_exchange.hpp"
#include "io/mcp/task_news.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

class SubscriptionHub final : private pool::ServerObserver {
 public:
  /// Observes the servers of `pool`; both outlive it.
  SubscriptionHub(EventLoop& loop, pool::ConnectionPool& pool);

  /// Servers of other loops are listened to there; null, as at first: there are none. Outlives it.
  void use_exchange(SubscriptionExchange* exchange) noexcept { exchange_ = exchange; }

  /// `subscription` hears of `server` until leave().
  void join(const FoundServer& server, Subscription& subscription);
  void leave(const FoundServer& server, Subscription& subscription);

  /// Of the servers of this loop's pool.
  io::TaskNews& task_news() noexcept { return task_news_; }

  /// Lets all servers go; nobody joins any more.
  io::task<void> stop();

 private:
  void on_server_notification(pool::PooledConnection& connection, std::string_view method,
                              std::string_view params) override;
  void on_server_lost(pool::PooledConnection& connection) override;
  ServerFeed* feed_on(const pool::PooledConnection& connection);
  io::task<Result<void>> run(std::shared_ptr<ServerFeed> feed);

  EventLoop& loop_;
  pool::ConnectionPool& pool_;
  SubscriptionExchange* exchange_ = nullptr;
  io::TaskNews task_news_;
  io::Scope work_;
  std::map<std::string, std::shared_ptr<ServerFeed>, std::less<>> feeds_;  ///< By identity.
};

}  // namespace mcpwire::daemon
