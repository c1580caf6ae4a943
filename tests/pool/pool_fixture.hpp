// SPDX-License-Identifier: MIT
//
// PoolTest: a ConnectionPool over servers in memory and a virtual clock.
// Threading: one thread.
#pragma once

#include "pool/connection_pool.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/pool/fake_transport_factory.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace mcpwire::pool {

class PoolTest : public testing::Test {
 protected:
  using Get = test_support::BackgroundTask<Result<Lease>>;
  using Server = test_support::FakeTransportFactory::Server;

  static constexpr std::uint64_t kSecond = kNanosecondsPerSecond;
  static constexpr std::uint64_t kIdleNs = 600 * kSecond;

  void TearDown() override { clear(); }

  static ServerSpec spec(const std::string& identity) {
    ServerSpec wanted;
    wanted.identity = identity;
    wanted.name = "server " + identity;
    return wanted;
  }

  Get get(const std::string& identity) { return get(identity, scope); }
  Get get(const std::string& identity, io::CancelScope& own_scope) {
    return Get(loop, pool.get(spec(identity), own_scope));
  }

  /// Opens it if needed. The test fails if it cannot be had without waiting for anybody.
  Lease lease(const std::string& identity) {
    Get wanted = get(identity);
    loop.run_until_idle();
    EXPECT_TRUE(wanted.has_ended() && wanted.value().has_value());
    return *std::move(wanted.value());
  }

  void clear() {
    test_support::BackgroundTask<int> cleared(loop, clear_pool(pool));
    loop.run_until_idle();
    ASSERT_TRUE(cleared.has_ended());
  }

  // The pool outlives the test's tasks.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  static io::task<int> clear_pool(ConnectionPool& pool) {
    co_await pool.clear();
    co_return 0;
  }

  test_support::FakeEventLoop loop;
  io::CancelScope scope;
  test_support::FakeTransportFactory factory{loop};
  ConnectionPool pool{loop, factory, PoolOptions{kIdleNs}};
};

}  // namespace mcpwire::pool
