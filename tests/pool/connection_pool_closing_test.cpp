// SPDX-License-Identifier: MIT
//
// The ends of connections: remove, clear, idleness, leases.
#include "tests/pool/pool_fixture.hpp"

#include <utility>

namespace mcpwire::pool {
namespace {

using test_support::BackgroundTask;

class ConnectionPoolClosingTest : public PoolTest {
 protected:
  std::size_t closes(std::size_t index) { return factory.transport(index).closes(); }
};

TEST_F(ConnectionPoolClosingTest, RemoveClosesWhatNobodyUses) {
  {
    const Lease used = lease("a");
  }
  pool.remove("a");
  EXPECT_FALSE(pool.try_get("a"));
  EXPECT_EQ(pool.active_count(), 1U);
  loop.run_until_idle();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_EQ(pool.active_count(), 0U);
  EXPECT_TRUE(factory.server(0).is_destroyed);
}

TEST_F(ConnectionPoolClosingTest, RemoveOfSomethingUnknownDoesNothing) {
  const Lease other = lease("a");
  pool.remove("b");
  loop.run_until_idle();
  EXPECT_TRUE(pool.try_get("a"));
}

TEST_F(ConnectionPoolClosingTest, RemoveLetsPresentUsersFinishAndNewOnesGetAFreshConnection) {
  Lease present = lease("a");
  Lease also_present = pool.try_get("a");
  pool.remove("a");
  loop.advance_ns(2 * kIdleNs);
  EXPECT_EQ(closes(0), 0U);
  EXPECT_TRUE(present.transport().is_open());
  const Lease fresh = lease("a");
  EXPECT_NE(&fresh.connection(), &present.connection());
  EXPECT_EQ(pool.active_count(), 2U);
  present = {};
  loop.run_until_idle();
  EXPECT_EQ(closes(0), 0U);
  also_present = {};
  loop.run_until_idle();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_EQ(closes(1), 0U);
  EXPECT_EQ(pool.active_count(), 1U);
}

TEST_F(ConnectionPoolClosingTest, RemoveWhileItOpensServesThoseWhoWaitAndClosesAfterThem) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  Get waiting = get("a");
  pool.remove("a");
  EXPECT_EQ(pool.active_count(), 1U);
  factory.prepare = nullptr;
  const Lease fresh = lease("a");
  EXPECT_EQ(factory.count(), 2U);
  EXPECT_EQ(pool.active_count(), 2U);
  factory.transport(0).release_open();
  loop.run_until_idle();
  ASSERT_TRUE(waiting.has_ended());
  ASSERT_TRUE(waiting.value().has_value());
  EXPECT_NE(&waiting.value()->connection(), &fresh.connection());
  EXPECT_EQ(closes(0), 0U);
  *waiting.value() = {};
  loop.run_until_idle();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_EQ(pool.active_count(), 1U);
}

TEST_F(ConnectionPoolClosingTest, RemoveWhileItOpensAndFailsReachesThoseWhoWait) {
  factory.prepare = [](Server& server) {
    server.transport.hold_open();
    server.transport.set_open_result(fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed));
  };
  Get waiting = get("a");
  pool.remove("a");
  factory.transport(0).release_open();
  loop.run_until_idle();
  ASSERT_TRUE(waiting.has_ended());
  EXPECT_EQ(waiting.value().error().code, ErrorCode::kSpawnFailed);
  EXPECT_EQ(pool.active_count(), 0U);
}

TEST_F(ConnectionPoolClosingTest, ATransportIsNotClosedFromInsideItsOwnCallback) {
  {
    const Lease used = lease("a");
  }
  factory.transport(0).lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  EXPECT_EQ(closes(0), 0U);
  EXPECT_FALSE(factory.server(0).is_destroyed);
  loop.run_until_idle();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_TRUE(factory.server(0).is_destroyed);
}

TEST_F(ConnectionPoolClosingTest, AConnectionThatEndedOutlivesItsLeases) {
  Lease used = lease("a");
  factory.transport(0).lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  loop.run_until_idle();
  EXPECT_FALSE(ConnectionPool::is_connection_healthy(used.connection()));
  EXPECT_FALSE(factory.server(0).is_destroyed);
  used = {};
  loop.run_until_idle();
  EXPECT_TRUE(factory.server(0).is_destroyed);
}

TEST_F(ConnectionPoolClosingTest, AnIdleServerStopsWhenItsTimeIsOverAndNotBefore) {
  {
    const Lease used = lease("a");
  }
  loop.advance_ns(kIdleNs - 1);
  EXPECT_EQ(closes(0), 0U);
  loop.advance_ns(1);
  EXPECT_EQ(closes(0), 1U);
  EXPECT_EQ(pool.active_count(), 0U);
  EXPECT_TRUE(lease("a"));
}

TEST_F(ConnectionPoolClosingTest, IdlenessCountsFromTheLastUse) {
  {
    const Lease used = lease("a");
  }
  loop.advance_ns(kIdleNs / 2);
  {
    const Lease used = pool.try_get("a");
  }
  loop.advance_ns(kIdleNs - 1);
  EXPECT_EQ(closes(0), 0U);
  loop.advance_ns(1);
  EXPECT_EQ(closes(0), 1U);
}

TEST_F(ConnectionPoolClosingTest, AServerInUseIsNeverIdle) {
  Lease used = lease("a");
  loop.advance_ns(10 * kIdleNs);
  EXPECT_EQ(closes(0), 0U);
  used = {};
  loop.advance_ns(kIdleNs - 1);
  EXPECT_EQ(closes(0), 0U);
  loop.advance_ns(1);
  EXPECT_EQ(closes(0), 1U);
}

TEST_F(ConnectionPoolClosingTest, EachServerHasItsOwnIdleTime) {
  {
    const Lease first = lease("a");
  }
  loop.advance_ns(kIdleNs / 2);
  {
    const Lease second = lease("b");
  }
  loop.advance_ns(kIdleNs / 2);
  EXPECT_EQ(closes(0), 1U);
  EXPECT_EQ(closes(1), 0U);
  loop.advance_ns(kIdleNs / 2);
  EXPECT_EQ(closes(1), 1U);
}

TEST_F(ConnectionPoolClosingTest, AServerThatNobodyWaitedForStopsWhenIdleToo) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  {
    io::CancelScope impatient;
    Get user = get("a", impatient);
    impatient.cancel(io::CancelCause::kCaller);
    loop.run_until_idle();
  }
  factory.transport(0).release_open();
  loop.run_until_idle();
  loop.advance_ns(kIdleNs);
  EXPECT_EQ(closes(0), 1U);
}

TEST_F(ConnectionPoolClosingTest, ClearOfAnEmptyPoolEndsAndMayBeRepeated) {
  clear();
  clear();
  EXPECT_EQ(pool.active_count(), 0U);
}

TEST_F(ConnectionPoolClosingTest, ClearClosesWhatIsOpenAndRefusesWhatComesLater) {
  {
    const Lease first = lease("a");
  }
  {
    const Lease second = lease("b");
  }
  clear();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_EQ(closes(1), 1U);
  EXPECT_TRUE(factory.server(0).is_destroyed);
  EXPECT_EQ(pool.active_count(), 0U);
  EXPECT_FALSE(pool.try_get("a"));
  Get late = get("a");
  ASSERT_TRUE(late.has_ended());
  EXPECT_EQ(late.value().error().code, ErrorCode::kShuttingDown);
  EXPECT_EQ(factory.count(), 2U);
}

TEST_F(ConnectionPoolClosingTest, ClearGivesUpWhatIsBeingOpened) {
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  Get waiting = get("a");
  clear();
  ASSERT_TRUE(waiting.has_ended());
  EXPECT_EQ(waiting.value().error().code, ErrorCode::kShuttingDown);
  EXPECT_TRUE(factory.server(0).is_destroyed);
  EXPECT_EQ(pool.active_count(), 0U);
}

TEST_F(ConnectionPoolClosingTest, ClearWaitsForNoUser) {
  Lease used = lease("a");
  clear();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_FALSE(used.transport().is_open());
  EXPECT_FALSE(factory.server(0).is_destroyed);
  used = {};
  EXPECT_TRUE(factory.server(0).is_destroyed);
}

TEST_F(ConnectionPoolClosingTest, ClearDoesNotWaitForUsersOfWhatWasRemovedBefore) {
  const Lease used = lease("a");
  pool.remove("a");
  loop.run_until_idle();
  EXPECT_EQ(closes(0), 0U);
  clear();
  EXPECT_EQ(closes(0), 1U);
}

TEST_F(ConnectionPoolClosingTest, ClearEndsOnlyWhenTheLastProcessHasEnded) {
  {
    const Lease used = lease("a");
  }
  factory.transport(0).hold_close();
  BackgroundTask<int> cleared(loop, clear_pool(pool));
  loop.run_until_idle();
  EXPECT_FALSE(cleared.has_ended());
  EXPECT_EQ(pool.active_count(), 1U);
  factory.transport(0).release_close();
  loop.run_until_idle();
  EXPECT_TRUE(cleared.has_ended());
  EXPECT_EQ(pool.active_count(), 0U);
}

TEST_F(ConnectionPoolClosingTest, ClearInTheTurnInWhichAServerEndsClosesItOnce) {
  {
    const Lease used = lease("a");
  }
  factory.transport(0).lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  clear();
  EXPECT_EQ(closes(0), 1U);
  EXPECT_TRUE(factory.server(0).is_destroyed);
}

TEST_F(ConnectionPoolClosingTest, ThatThePoolIsEmptyIsToldWhenTheLastOneIsClosed) {
  int told = 0;
  pool.on_empty([&told] { ++told; });
  {
    const Lease first = lease("a");
  }
  {
    const Lease second = lease("b");
  }
  pool.remove("a");
  loop.run_until_idle();
  EXPECT_EQ(told, 0);
  pool.remove("b");
  loop.run_until_idle();
  EXPECT_EQ(told, 1);
}

TEST_F(ConnectionPoolClosingTest, ThePoolIsNotEmptyWhileARemovedServerStillOpens) {
  int told = 0;
  pool.on_empty([&told] { ++told; });
  {
    const Lease first = lease("a");
  }
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  {
    Get opening = get("b");
    pool.remove("b");
    pool.remove("a");
    loop.run_until_idle();
    EXPECT_EQ(told, 0);
    factory.transport(1).release_open();
    loop.run_until_idle();
  }
  loop.run_until_idle();
  EXPECT_EQ(told, 1);
}

TEST_F(ConnectionPoolClosingTest, APoolThatWasNotClearedMustNotBeDestroyed) {
  EXPECT_DEATH(
      {
        ConnectionPool forgotten(loop, factory, PoolOptions{});
        Get user(loop, forgotten.get(spec("a"), scope));
        loop.run_until_idle();
      },
      "active_count");
}

class LeaseTest : public PoolTest {};

TEST_F(LeaseTest, AnEmptyOneHoldsNothing) {
  const Lease nothing;
  EXPECT_FALSE(nothing);
}

TEST_F(LeaseTest, MovingHandsTheConnectionOn) {
  Lease first = lease("a");
  PooledConnection& connection = first.connection();
  Lease second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left is the question
  ASSERT_TRUE(second);
  EXPECT_EQ(&second.connection(), &connection);
  EXPECT_EQ(connection.leases, 1U);
}

TEST_F(LeaseTest, AssigningGivesBackWhatWasHeldBefore) {
  Lease first = lease("a");
  Lease second = lease("b");
  PooledConnection& left = first.connection();
  PooledConnection& kept = second.connection();
  first = std::move(second);
  EXPECT_EQ(left.leases, 0U);
  EXPECT_EQ(kept.leases, 1U);
  EXPECT_EQ(&first.connection(), &kept);
}

TEST_F(LeaseTest, AssigningItToItselfChangesNothing) {
  Lease only = lease("a");
  Lease& same = only;
  only = std::move(same);
  ASSERT_TRUE(only);
  EXPECT_EQ(only.connection().leases, 1U);
}

}  // namespace
}  // namespace mcpwire::pool
