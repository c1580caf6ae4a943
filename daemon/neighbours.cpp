// SPDX-License-Identifier: MIT
#include "daemon/neighbours.hpp"

#include "daemon/sharded_factory.hpp"
#include "io/one_shot.hpp"
#include "protocol/base/check.hpp"

#include <type_traits>
#include <utility>

namespace mcpwire::daemon {
namespace {

/// Runs `function` on loop `to` and gives its value on loop `own`.
// The places outlive every task of a loop.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
template <class F>
io::task<std::invoke_result_t<F&>> ask(const ShardPlaces& places,  // outlives: see above
                                       std::size_t own, std::size_t to, F function) {
  using Value = std::invoke_result_t<F&>;
  io::OneShot<Value> answer(*places[own].loop);
  // In this frame, which waits for the answer whatever happens.
  places[own].port->send(to, [&answer, own, back = places[to].port,
                              function = std::move(function)]() mutable {
    back->send(own, [&answer, value = function()]() mutable { answer.resolve(std::move(value)); });
  });
  io::CancelScope never;
  Result<Value> value = co_await answer.wait(never);
  MCPWIRE_CHECK(value.has_value());
  co_return *std::move(value);
}

}  // namespace

io::task<DaemonTotals> Neighbours::totals() const {
  DaemonTotals sum;
  for (std::size_t number = 0; number < places_.size(); ++number) {
    const ShardPlace* place = &places_[number];
    auto look = [place] { return place->totals(); };
    sum += co_await ask(places_, own_, number, look);
  }
  co_return sum;
}

io::task<pool::ServerSnapshot> Neighbours::snapshot(std::string identity) const {
  const std::size_t owner = owner_of(identity, places_.size());
  const pool::ConnectionPool* pool = places_[owner].pool;
  auto look = [pool, identity = std::move(identity)] { return pool->snapshot(identity); };
  co_return co_await ask(places_, own_, owner, std::move(look));
}

}  // namespace mcpwire::daemon
