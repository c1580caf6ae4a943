// SPDX-License-Identifier: MIT
#include "daemon/subscription_exchange.hpp"

#include "daemon/sharded_factory.hpp"
#include "daemon/subscriptions.hpp"

#include <algorithm>

namespace mcpwire::daemon {
namespace {

/// Of its own: what one loop's configuration holds is no other loop's.
FoundServer copy_of(const FoundServer& server) {
  auto alone = std::make_shared<ActiveConfiguration>();
  alone->servers.push_back(*server.server);
  const ConfiguredServer* const only = &alone->servers.front();
  return {std::move(alone), only};
}

}  // namespace

/// A listener of another loop, at the owner of its server.
class SubscriptionExchange::Visitor final : public Subscription {
 public:
  Visitor(SubscriptionExchange& exchange, Guest guest, FoundServer server, Interests interests)
      : Subscription(std::move(interests)),
        exchange_(exchange),
        guest_(guest),
        server_(std::move(server)) {
    exchange_.hub_.join(server_, *this);
  }
  ~Visitor() { exchange_.hub_.leave(server_, *this); }

  void on_heard(std::string_view method, std::string_view params) override {
    untold_.add({{}, std::string(method), std::string(params)});
    send();
  }
  void on_unreachable(const Error& why) override {
    exchange_.tell(guest_.first, [number = guest_.second, why](SubscriptionExchange& there) {
      there.lose(number, why);
    });
  }
  void on_taken() {
    is_on_its_way_ = false;
    send();
  }

 private:
  void send() {
    if (is_on_its_way_ || untold_.empty()) return;
    is_on_its_way_ = true;
    exchange_.tell(guest_.first, [number = guest_.second, all = untold_.take_all()](
                                     SubscriptionExchange& there) { there.hear(number, all); });
  }

  SubscriptionExchange& exchange_;
  Guest guest_;
  FoundServer server_;
  Untold untold_;
  bool is_on_its_way_ = false;
};

SubscriptionExchange::SubscriptionExchange(const ShardPlaces& places, std::size_t own,
                                           SubscriptionHub& hub)
    : places_(places), own_(own), hub_(hub) {}

SubscriptionExchange::~SubscriptionExchange() = default;

io::TaskNews& SubscriptionExchange::task_news() noexcept { return hub_.task_news(); }

bool SubscriptionExchange::owns(const std::string& identity) const {
  return owner_of(identity, places_.size()) == own_;
}

template <class F>
void SubscriptionExchange::tell(std::size_t loop, F work) {
  places_[own_].port->send(loop, [there = places_[loop].subscriptions,
                                  work = std::move(work)]() mutable { work(*there); });
}

void SubscriptionExchange::join(const FoundServer& server, Subscription& subscription) {
  const std::size_t owner = owner_of(server.server->spec->identity, places_.size());
  const Guest guest{own_, ++last_number_};
  away_.emplace(guest.second, Away{&subscription, owner});
  tell(owner, [guest, copy = copy_of(server),
               interests = subscription.interests()](SubscriptionExchange& there) mutable {
    there.admit(guest, std::move(copy), std::move(interests));
  });
}

void SubscriptionExchange::leave(Subscription& subscription) {
  const auto found = std::ranges::find_if(
      away_, [&](const auto& entry) { return entry.second.subscription == &subscription; });
  if (found == away_.end()) return;
  const Guest guest{own_, found->first};
  tell(found->second.owner, [guest](SubscriptionExchange& there) { there.dismiss(guest); });
  away_.erase(found);
}

void SubscriptionExchange::stop() {
  is_stopped_ = true;
  visitors_.clear();
}

// --- On the owner's loop -----------------------------------------------------------------------

void SubscriptionExchange::admit(Guest guest, FoundServer server, Interests interests) {
  if (is_stopped_) return;
  visitors_.emplace(
      guest, std::make_unique<Visitor>(*this, guest, std::move(server), std::move(interests)));
}

void SubscriptionExchange::dismiss(Guest guest) { visitors_.erase(guest); }

void SubscriptionExchange::on_taken(Guest guest) {
  const auto found = visitors_.find(guest);
  if (found != visitors_.end()) found->second->on_taken();
}

// --- On the listener's loop --------------------------------------------------------------------

void SubscriptionExchange::hear(std::uint64_t number, const std::vector<Told>& all) {
  std::size_t owner = own_;
  for (const Told& told : all) {
    // Each time: whoever is told may leave.
    const auto found = away_.find(number);
    if (found == away_.end()) return;
    owner = found->second.owner;
    found->second.subscription->on_heard(told.method, told.params);
  }
  tell(owner,
       [guest = Guest{own_, number}](SubscriptionExchange& there) { there.on_taken(guest); });
}

void SubscriptionExchange::lose(std::uint64_t number, const Error& why) {
  const auto found = away_.find(number);
  if (found != away_.end()) found->second.subscription->on_unreachable(why);
}

}  // namespace mcpwire::daemon
