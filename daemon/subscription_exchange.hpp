// SPDX-License-Identifier: MIT
//
// SubscriptionExchange: listening to servers of other loops. The one decision: what a server says
// is subscribed, counted and sorted at its owner; a listener of another loop stands there as a
// visitor, and what that hears crosses in order, one message at a time: until the listener's loop
// has taken it the next is kept, at most as much as Untold keeps.
//
// Threading: each loop has one, used on its thread; they reach each other by the mail of the
// shards. Invariants: a visitor goes with its listener, or with the owner's stop(), whichever is
// first; what arrives for one that is gone is ignored.
#pragma once

#include "daemon/remote_link.hpp"
#include "daemon/server_feed.hpp"
#include "daemon/untold.hpp"
#include "io/mcp/task_news.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {

class SubscriptionHub;

class SubscriptionExchange {
 public:
  /// That of loop number `own` of `places`, whose listeners join `hub`. Both outlive it.
  SubscriptionExchange(const ShardPlaces& places, std::size_t own, SubscriptionHub& hub);
  ~SubscriptionExchange();
  SubscriptionExchange(const SubscriptionExchange&) = delete;
  SubscriptionExchange& operator=(const SubscriptionExchange&) = delete;

  /// The server of this identity belongs to this loop.
  bool owns(const std::string& identity) const;

  /// `subscription` hears of `server`, which another loop owns, until leave().
  void join(const FoundServer& server, Subscription& subscription);
  void leave(Subscription& subscription);

  /// That of this loop.
  io::TaskNews& task_news() noexcept;

  /// Lets the visitors go; none is admitted any more.
  void stop();

 private:
  /// A listener: its loop, and its number there.
  using Guest = std::pair<std::size_t, std::uint64_t>;
  class Visitor;
  struct Away {
    Subscription* subscription;
    std::size_t owner;
  };

  /// Runs `work(SubscriptionExchange&)` on that loop.
  template <class F>
  void tell(std::size_t loop, F work);

  // On the owner's loop.
  void admit(Guest guest, FoundServer server, Interests interests);
  void dismiss(Guest guest);
  void on_taken(Guest guest);
  // On the listener's loop.
  void hear(std::uint64_t number, const std::vector<Told>& all);
  void lose(std::uint64_t number, const Error& why);

  const ShardPlaces& places_;
  std::size_t own_;
  SubscriptionHub& hub_;
  std::map<std::uint64_t, Away> away_;  ///< Our listeners at other loops, by number.
  std::uint64_t last_number_ = 0;
  std::map<Guest, std::unique_ptr<Visitor>> visitors_;
  bool is_stopped_ = false;
};

}  // namespace mcpwire::daemon
