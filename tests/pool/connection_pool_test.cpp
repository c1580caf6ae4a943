// SPDX-License-Identifier: MIT
//
// Getting connections: sharing, failures, restarts. The ends of connections are in
// connection_pool_closing_test.cpp.
#include "pool/connection_pool.hpp"

#include "tests/pool/pool_fixture.hpp"

#include <list>

namespace mcpwire::pool {
namespace {

using protocol::ServerState;

class ConnectionPoolTest : public PoolTest {};

Error crash() {
  return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kServerExited,
                            "the server exited with code 3");
}

TEST_F(ConnectionPoolTest, TheFirstUseOpensAndLaterOnesFindItWarm) {
  EXPECT_FALSE(pool.try_get("a"));
  {
    const Lease first = lease("a");
  }
  const Lease warm = pool.try_get("a");
  ASSERT_TRUE(warm);
  EXPECT_EQ(warm.connection().server_name, "server a");
  {
    const Lease again = lease("a");
  }
  EXPECT_EQ(factory.count(), 1U);
  EXPECT_EQ(factory.transport(0).opens(), 1U);
}

TEST_F(ConnectionPoolTest, AllWhoAskWhileItOpensShareOneCreation) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  std::list<Get> users;
  for (int user = 0; user < 10; ++user) {
    users.emplace_back(loop, pool.get(spec("a"), scope));
  }
  loop.run_until_idle();
  ASSERT_EQ(factory.count(), 1U);
  for (Get& user : users) EXPECT_FALSE(user.has_ended());
  factory.transport(0).release_open();
  loop.run_until_idle();
  for (Get& user : users) {
    ASSERT_TRUE(user.has_ended());
    ASSERT_TRUE(user.value().has_value());
    EXPECT_EQ(&user.value()->connection(), &users.front().value()->connection());
  }
  EXPECT_EQ(users.front().value()->connection().leases, 10U);
  EXPECT_EQ(factory.count(), 1U);
  EXPECT_EQ(factory.transport(0).opens(), 1U);
}

TEST_F(ConnectionPoolTest, IdentitiesAreKeptApart) {
  const Lease first = lease("a");
  const Lease second = lease("b");
  EXPECT_NE(&first.connection(), &second.connection());
  EXPECT_EQ(factory.server(0).spec.identity, "a");
  EXPECT_EQ(factory.server(1).spec.identity, "b");
  factory.transport(0).lose(crash());
  loop.run_until_idle();
  EXPECT_FALSE(pool.try_get("a"));
  EXPECT_TRUE(pool.try_get("b"));
}

TEST_F(ConnectionPoolTest, ACancelledUserLeavesAndTheCreationGoesOnForTheOthers) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  io::CancelScope impatient;
  Get leaves = get("a", impatient);
  Get stays = get("a");
  impatient.cancel(io::CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(leaves.has_ended());
  EXPECT_EQ(leaves.value().error().code, ErrorCode::kCancelledByCaller);
  EXPECT_FALSE(stays.has_ended());
  factory.transport(0).release_open();
  loop.run_until_idle();
  ASSERT_TRUE(stays.has_ended());
  EXPECT_TRUE(stays.value().has_value());
}

TEST_F(ConnectionPoolTest, TheCreationGoesOnWhenNobodyWaitsAnyMore) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  {
    io::CancelScope impatient;
    Get only = get("a", impatient);
    impatient.cancel(io::CancelCause::kDeadline);
    loop.run_until_idle();
    ASSERT_TRUE(only.has_ended());
    EXPECT_EQ(only.value().error().kind, ErrorKind::kTimeout);
  }
  factory.transport(0).release_open();
  loop.run_until_idle();
  EXPECT_TRUE(pool.try_get("a"));
}

TEST_F(ConnectionPoolTest, AUserCancelledInTheTurnOfTheOpeningLeaksNoLease) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  {
    io::CancelScope impatient;
    Get user = get("a", impatient);
    factory.transport(0).release_open();
    impatient.cancel(io::CancelCause::kCaller);
    loop.run_until_idle();
    ASSERT_TRUE(user.has_ended());
  }
  const Lease warm = pool.try_get("a");
  ASSERT_TRUE(warm);
  EXPECT_EQ(warm.connection().leases, 1U);
}

TEST_F(ConnectionPoolTest, AFailureReachesAllWhoWaitAndTheNextUseTriesAgain) {
  factory.prepare = [](Server& server) {
    server.transport.hold_open();
    server.transport.set_open_result(
        fail(ErrorKind::kInvalid, ErrorCode::kHandshakeFailed, "no handshake"));
  };
  Get first = get("a");
  Get second = get("a");
  factory.transport(0).release_open();
  loop.run_until_idle();
  for (Get* user : {&first, &second}) {
    ASSERT_TRUE(user->has_ended());
    EXPECT_EQ(user->value().error().message(), "no handshake");
  }
  EXPECT_TRUE(factory.server(0).is_destroyed);

  factory.prepare = nullptr;
  EXPECT_TRUE(lease("a"));
  EXPECT_EQ(factory.count(), 2U);
}

TEST_F(ConnectionPoolTest, AFailureWithoutAnyPauseReachesTheOneWhoAsked) {
  factory.prepare = [](Server& server) {
    server.transport.set_open_result(
        fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed, "no such program"));
  };
  for (std::size_t attempt = 1; attempt <= 3; ++attempt) {
    Get user = get("a");
    loop.run_until_idle();
    ASSERT_TRUE(user.has_ended());
    EXPECT_EQ(user.value().error().code, ErrorCode::kSpawnFailed);
    EXPECT_EQ(factory.count(), attempt);
  }
  EXPECT_EQ(pool.active_count(), 0U);
}

TEST_F(ConnectionPoolTest, OpeningIsGivenTheTimeOfTheSpecification) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  ServerSpec slow = spec("a");
  slow.open_timeout_ns = 7 * kSecond;
  Get user(loop, pool.get(slow, scope));
  loop.advance_ns(7 * kSecond - 1);
  EXPECT_FALSE(user.has_ended());
  loop.advance_ns(1);
  ASSERT_TRUE(user.has_ended());
  EXPECT_EQ(user.value().error().kind, ErrorKind::kTimeout);
}

TEST_F(ConnectionPoolTest, AServerThatEndedIsStartedAnewByTheNextUse) {
  {
    const Lease first = lease("a");
  }
  factory.transport(0).lose(crash());
  loop.run_until_idle();
  EXPECT_FALSE(pool.try_get("a"));
  EXPECT_TRUE(factory.server(0).is_destroyed);
  EXPECT_TRUE(lease("a"));
  EXPECT_EQ(factory.count(), 2U);
}

TEST_F(ConnectionPoolTest, AServerThatIsJustEndingIsNotHandedOut) {
  {
    const Lease first = lease("a");
  }
  factory.server(0).is_ending = true;
  EXPECT_FALSE(pool.try_get("a"));
  Lease fresh = lease("a");
  EXPECT_TRUE(ConnectionPool::is_connection_healthy(fresh.connection()));
  EXPECT_EQ(factory.count(), 2U);
  // That it has ended is told only now, and concerns the new one no more.
  factory.transport(0).lose(crash());
  loop.run_until_idle();
  EXPECT_TRUE(factory.server(0).is_destroyed);
  EXPECT_TRUE(pool.try_get("a"));
}

TEST_F(ConnectionPoolTest, AServerThatEndsRightAfterItsHandshakeIsAFailure) {
  factory.prepare = [](Server& server) { server.is_ending = true; };
  Get user = get("a");
  loop.run_until_idle();
  ASSERT_TRUE(user.has_ended());
  EXPECT_EQ(user.value().error().code, ErrorCode::kServerExited);
  factory.prepare = nullptr;
  EXPECT_TRUE(lease("a"));
}

TEST_F(ConnectionPoolTest, TheSnapshotTellsTheStates) {
  EXPECT_EQ(pool.snapshot("a").state, ServerState::kConfigured);
  factory.prepare = [](Server& server) {
    server.transport.hold_open();
    server.transport.pid = 77;
  };
  Get user = get("a");
  EXPECT_EQ(pool.snapshot("a").state, ServerState::kStarting);
  factory.transport(0).release_open();
  loop.run_until_idle();
  ++user.value()->connection().calls;
  const ServerSnapshot ready = pool.snapshot("a");
  EXPECT_EQ(ready.state, ServerState::kReady);
  EXPECT_EQ(ready.process_id, 77);
  EXPECT_EQ(ready.calls, 1U);
  EXPECT_EQ(ready.detail, "fake 1.0");
  factory.transport(0).lose(crash());
  const ServerSnapshot failed = pool.snapshot("a");
  EXPECT_EQ(failed.state, ServerState::kFailed);
  EXPECT_EQ(failed.process_id, 0);
  EXPECT_EQ(failed.detail, "the server exited with code 3");
}

TEST_F(ConnectionPoolTest, ASuccessfulStartForgetsTheFailureBefore) {
  factory.prepare = [](Server& server) {
    server.transport.set_open_result(fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed));
  };
  {
    Get user = get("a");
    loop.run_until_idle();
  }
  EXPECT_EQ(pool.snapshot("a").state, ServerState::kFailed);
  factory.prepare = nullptr;
  {
    const Lease now_open = lease("a");
  }
  EXPECT_EQ(pool.snapshot("a").state, ServerState::kReady);
  loop.advance_ns(kIdleNs);
  EXPECT_EQ(pool.snapshot("a").state, ServerState::kConfigured);
}

TEST_F(ConnectionPoolTest, TheMemoryOfFailuresIsBounded) {
  factory.prepare = [](Server& server) {
    server.transport.set_open_result(fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed));
  };
  std::size_t remembered = 0;
  for (int number = 0; number < 400; ++number) {
    Get user = get(std::to_string(number));
    loop.run_until_idle();
  }
  for (int number = 0; number < 400; ++number) {
    if (pool.snapshot(std::to_string(number)).state == ServerState::kFailed) ++remembered;
  }
  EXPECT_GT(remembered, 0U);
  EXPECT_LE(remembered, 256U);
  EXPECT_EQ(pool.snapshot("399").state, ServerState::kFailed);
}

}  // namespace
}  // namespace mcpwire::pool
