// SPDX-License-Identifier: MIT
//
// A consumer that gives its ring back: what the producer is told at every step.
#include "ring/spsc_ring.hpp"

#include "tests/ring/ring_pair.hpp"

#include <gtest/gtest.h>

namespace mcpwire::ring {
namespace {

using PeerState = Producer::PeerState;

TEST(RetireTest, AnEmptyRingIsGivenBackAndTheNextRecordIsKnownToBeLost) {
  RingPair ring;
  ASSERT_TRUE(ring.push("taken"));
  ring.pop();
  ASSERT_FALSE(ring.consumer.prepare_retire());
  EXPECT_EQ(ring.producer.look_at_peer(), PeerState::kRetiring);
  EXPECT_FALSE(ring.producer.peer_has_retired());
  ring.consumer.retire();
  EXPECT_EQ(ring.producer.look_at_peer(), PeerState::kRetired);
  EXPECT_TRUE(ring.producer.peer_has_retired());
  EXPECT_TRUE(ring.producer.peer_took_all());
  ASSERT_TRUE(ring.push("lost"));
  EXPECT_EQ(ring.producer.look_at_peer(), PeerState::kRetired);
  EXPECT_FALSE(ring.producer.peer_took_all());
}

TEST(RetireTest, ARecordThatCameBeforeTakesItBack) {
  RingPair ring;
  ASSERT_TRUE(ring.push("first"));
  ASSERT_TRUE(ring.consumer.prepare_retire());
  EXPECT_EQ(ring.producer.look_at_peer(), PeerState::kRetiring);
  ring.consumer.unpark();
  EXPECT_EQ(ring.producer.look_at_peer(), PeerState::kHears);
  EXPECT_EQ(ring.pop(), "first");
}

TEST(RetireTest, AConsumerThatSleptIsRungAgainAfterTakingItBack) {
  RingPair ring;
  ASSERT_FALSE(ring.consumer.prepare_park());
  ASSERT_TRUE(ring.push("first"));
  EXPECT_TRUE(ring.producer.peer_needs_doorbell());
  ASSERT_TRUE(ring.consumer.prepare_retire());
  EXPECT_FALSE(ring.producer.peer_needs_doorbell()) << "it is awake";
  ring.consumer.unpark();
  ring.pop();
  ASSERT_FALSE(ring.consumer.prepare_park());
  ASSERT_TRUE(ring.push("second"));
  EXPECT_TRUE(ring.producer.peer_needs_doorbell());
}

TEST(RetireTest, PositionsArePublishedBeforeTheRingIsGivenBack) {
  // One small record is no step of credits, so nothing but the retirement publishes it.
  RingPair ring(kRingBytesMax);
  ASSERT_TRUE(ring.push("x"));
  ring.pop();
  EXPECT_FALSE(ring.producer.peer_took_all());
  ASSERT_FALSE(ring.consumer.prepare_retire());
  ring.consumer.retire();
  EXPECT_TRUE(ring.producer.peer_took_all());
}

TEST(RetireTest, AFrameThatIsBeingReadKeepsTheRing) {
  RingPair ring;
  ASSERT_TRUE(ring.push("x"));
  ASSERT_TRUE(ring.consumer.peek().value().has_value());
  EXPECT_TRUE(ring.consumer.prepare_retire());
}

}  // namespace
}  // namespace mcpwire::ring
