// SPDX-License-Identifier: MIT
#include "ring/spsc_ring.hpp"

#include "tests/ring/ring_pair.hpp"

#include <deque>
#include <limits>
#include <random>
#include <vector>

namespace mcpwire::ring {
namespace {

TEST(SpscRingTest, RecordSizesAreWholeGranulesAndNeverOverflow) {
  EXPECT_EQ(record_bytes(0), 64u);
  EXPECT_EQ(record_bytes(32), 64u);
  EXPECT_EQ(record_bytes(33), 128u);
  EXPECT_EQ(record_bytes(std::numeric_limits<std::uint32_t>::max()), 0x1'0000'0040u);
}

TEST(SpscRingTest, LapTagIsNeverZeroAndDiffersBetweenLaps) {
  EXPECT_NE(lap_tag(0), 0u);
  EXPECT_NE(lap_tag(0), lap_tag(4096));
  EXPECT_NE(lap_tag(std::uint64_t{1} << 37), 0u);
}

TEST(SpscRingTest, AFreshRingIsEmpty) {
  RingPair ring;
  EXPECT_FALSE(ring.consumer.has_data());
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, FramesArriveInOrderWithHeaderAndCorrelation) {
  RingPair ring;
  ASSERT_TRUE(ring.push("first", 7));
  ASSERT_TRUE(ring.push("second", 8));
  const auto frame = ring.consumer.peek();
  ASSERT_TRUE(frame.has_value() && frame->has_value());
  EXPECT_EQ((*frame)->header.request.payload_len, 5u);
  EXPECT_EQ((*frame)->header.request.method, request_header().method);
  EXPECT_EQ((*frame)->header.commit, 0u);
  std::uint64_t correlation = 0;
  EXPECT_EQ(ring.pop(&correlation), "first");
  EXPECT_EQ(correlation, 7u);
  EXPECT_EQ(ring.pop(&correlation), "second");
  EXPECT_EQ(correlation, 8u);
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, AnEmptyPayloadIsAFrame) {
  RingPair ring;
  const auto room = ring.producer.try_reserve(0);
  ASSERT_TRUE(room.has_value());
  EXPECT_TRUE(room->empty());
  ring.producer.commit(request_header(), 3, 0);
  EXPECT_EQ(ring.pop(), "");
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, HeadAndBodyAreJoined) {
  RingPair ring;
  ASSERT_TRUE(ring.producer.try_push(request_header(), 1, as_bytes("head-"), as_bytes("body")));
  EXPECT_EQ(ring.pop(), "head-body");
}

TEST(SpscRingTest, PeekShowsTheSameFrameUntilRelease) {
  RingPair ring;
  ASSERT_TRUE(ring.push("again"));
  const auto first = ring.consumer.peek();
  const auto second = ring.consumer.peek();
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ((*first)->volatile_payload.data(), (*second)->volatile_payload.data());
  EXPECT_EQ(ring.pop(), "again");
}

TEST(SpscRingTest, LessThanReservedMayBeCommitted) {
  RingPair ring;
  const auto room = ring.producer.try_reserve(500);
  ASSERT_TRUE(room.has_value());
  copy_bytes(*room, as_bytes("short"));
  ring.producer.commit(request_header(), 1, 5);
  ASSERT_TRUE(ring.push("next"));
  EXPECT_EQ(ring.pop(), "short");
  EXPECT_EQ(ring.pop(), "next");
}

// The commit word behind the next record of the same size is zeroed ahead of time; what a caller
// writes into a reservation and does not commit must not end up in it.
TEST(SpscRingTest, ScribblesBehindAShorterCommitAreNoRecord) {
  RingPair ring;
  ASSERT_TRUE(ring.push("one granule"));
  const auto room = ring.producer.try_reserve(500);
  ASSERT_TRUE(room.has_value());
  copy_bytes(*room, as_bytes(pattern(1, 500)));
  ring.producer.commit(request_header(), 1, 5);
  ring.pop();
  ring.pop();
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, ScribblesOfAnAbortedReservationAreNoRecord) {
  RingPair ring;
  ASSERT_TRUE(ring.push("one granule"));
  const auto room = ring.producer.try_reserve(500);
  ASSERT_TRUE(room.has_value());
  copy_bytes(*room, as_bytes(pattern(1, 500)));
  ring.producer.abort();
  ASSERT_TRUE(ring.push("one granule"));
  ring.pop();
  ring.pop();
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, AnAbortedReservationLeavesNothing) {
  RingPair ring;
  const auto room = ring.producer.try_reserve(300);
  ASSERT_TRUE(room.has_value());
  copy_bytes(*room, as_bytes(pattern(1, 300)));
  ring.producer.abort();
  EXPECT_TRUE(ring.is_empty());
  ASSERT_TRUE(ring.push("kept"));
  EXPECT_EQ(ring.pop(), "kept");
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, ARecordThatWouldCrossTheEndGoesBehindAPad) {
  RingPair ring(kRingBytesMin);
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(ring.push(pattern(i, 928)));  // 960 bytes each: 3840 of 4096.
    EXPECT_EQ(ring.pop(), pattern(i, 928));
  }
  const auto room = ring.producer.try_reserve(928);
  ASSERT_TRUE(room.has_value());
  EXPECT_EQ(room->data(), ring.sender_segment.memory().ring + sizeof(protocol::FrameHeader))
      << "the record starts at the ring's first byte";
  ring.producer.abort();
  ASSERT_TRUE(ring.push(pattern(9, 928)));
  EXPECT_EQ(ring.pop(), pattern(9, 928));
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingTest, AReservationThatNeededAPadCanBeAborted) {
  RingPair ring(kRingBytesMin);
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(ring.push(pattern(i, 928)));
    ring.pop();
  }
  ASSERT_TRUE(ring.producer.try_reserve(928).has_value());
  ring.producer.abort();
  EXPECT_TRUE(ring.is_empty());
  ASSERT_TRUE(ring.push("fits before the end"));
  EXPECT_EQ(ring.pop(), "fits before the end");
}

TEST(SpscRingTest, PushFailsWhenFullAndWorksAgainAfterCredits) {
  RingPair ring(kRingBytesMin);
  std::size_t pushed = 0;
  while (ring.push(pattern(pushed, 32))) ++pushed;
  EXPECT_EQ(pushed, 63u) << "one granule stays free for the next commit word";
  EXPECT_FALSE(ring.producer.has_space(32).value());
  for (int i = 0; i < 7; ++i) ring.pop();
  EXPECT_FALSE(ring.push("x")) << "credits below an eighth of the ring are kept back";
  ring.pop();
  EXPECT_TRUE(ring.producer.has_space(32).value());
  EXPECT_TRUE(ring.push("x"));
}

TEST(SpscRingTest, ADrainedRingTakesTheLargestRecordWhateverThePosition) {
  for (std::uint64_t offset = 0; offset < kRingBytesMin; offset += kGranuleBytes) {
    RingPair ring(kRingBytesMin);
    for (std::uint64_t at = 0; at < offset; at += kGranuleBytes) {
      ASSERT_TRUE(ring.push("x"));
      ring.pop();
    }
    const std::string largest = pattern(offset, ring.producer.payload_bytes_max());
    ASSERT_TRUE(ring.push(largest)) << offset;
    ASSERT_EQ(ring.pop(), largest) << offset;
  }
}

TEST(SpscRingTest, ParkingPublishesAllCredits) {
  RingPair ring(kRingBytesMin);
  while (ring.push("x")) {
  }
  ring.pop();
  EXPECT_FALSE(ring.push("y"));
  EXPECT_TRUE(ring.consumer.prepare_park()) << "there is still data";
  ring.consumer.unpark();
  EXPECT_TRUE(ring.push("y"));
}

class SpscRingPositionTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SpscRingPositionTest, RandomSizesSurviveManyLaps) {
  const auto seed = static_cast<std::uint32_t>(GetParam() ^ 0x5eed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  RingPair ring(kRingBytesMin, GetParam());
  std::deque<std::string> expected;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const std::string payload = pattern(i, random() % (ring.producer.payload_bytes_max() + 1));
    while (!ring.push(payload)) {
      ASSERT_FALSE(expected.empty());
      ASSERT_EQ(ring.pop(), expected.front());
      expected.pop_front();
    }
    expected.push_back(payload);
  }
  while (!expected.empty()) {
    ASSERT_EQ(ring.pop(), expected.front());
    expected.pop_front();
  }
  EXPECT_TRUE(ring.is_empty());
}

INSTANTIATE_TEST_SUITE_P(StartPositions, SpscRingPositionTest,
                         testing::Values(0, (std::uint64_t{1} << 32) - 8192,
                                         (std::uint64_t{1} << 37) - 64,
                                         std::numeric_limits<std::uint64_t>::max() - 16383,
                                         std::numeric_limits<std::uint64_t>::max() - 63));

TEST(SpscRingBatchTest, NothingIsVisibleBeforeTheBatchIsCommitted) {
  RingPair ring;
  ring.producer.begin_batch();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(ring.push(std::to_string(i)));
    ASSERT_TRUE(ring.is_empty()) << "after record " << i;
  }
  ring.producer.commit_batch();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ring.pop(), std::to_string(i));
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingBatchTest, ABatchThatStartsWithAPadIsAllOrNone) {
  RingPair ring(kRingBytesMin);
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(ring.push(pattern(i, 928)));
    ring.pop();
  }
  ring.producer.begin_batch();
  ASSERT_TRUE(ring.push(pattern(5, 928)));
  ASSERT_TRUE(ring.push(pattern(6, 928)));
  EXPECT_TRUE(ring.is_empty());
  ring.producer.commit_batch();
  EXPECT_EQ(ring.pop(), pattern(5, 928));
  EXPECT_EQ(ring.pop(), pattern(6, 928));
}

TEST(SpscRingBatchTest, AnAbortedBatchLeavesNothing) {
  RingPair ring(kRingBytesMin);
  ring.producer.begin_batch();
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(ring.push(pattern(i, 100)));
  ring.producer.abort_batch();
  EXPECT_TRUE(ring.is_empty());
  // Records of another size end where stale commit words of the batch are.
  for (std::uint64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(ring.push(pattern(i, 20 + i % 200)));
    ASSERT_EQ(ring.pop(), pattern(i, 20 + i % 200));
    ASSERT_TRUE(ring.is_empty());
  }
}

TEST(SpscRingBatchTest, AnEmptyBatchIsNothing) {
  RingPair ring;
  ring.producer.begin_batch();
  ring.producer.commit_batch();
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingBatchTest, ABatchLargerThanTheRingIsFull) {
  RingPair ring(kRingBytesMin);
  ring.producer.begin_batch();
  int pushed = 0;
  while (ring.push("x")) ++pushed;
  EXPECT_EQ(pushed, 63);
  EXPECT_TRUE(ring.is_empty());
  ring.producer.commit_batch();
  for (int i = 0; i < pushed; ++i) ring.pop();
  EXPECT_TRUE(ring.is_empty());
}

TEST(SpscRingParkTest, AnAwakeConsumerIsNotRung) {
  RingPair ring;
  ASSERT_TRUE(ring.push("x"));
  EXPECT_FALSE(ring.producer.peer_needs_doorbell());
}

TEST(SpscRingParkTest, ASleepingConsumerIsRungOncePerSleep) {
  RingPair ring;
  ASSERT_FALSE(ring.consumer.prepare_park());
  ASSERT_TRUE(ring.push("x"));
  EXPECT_TRUE(ring.producer.peer_needs_doorbell());
  ASSERT_TRUE(ring.push("y"));
  EXPECT_FALSE(ring.producer.peer_needs_doorbell());
  ring.consumer.unpark();
  EXPECT_FALSE(ring.producer.peer_needs_doorbell());
  ring.pop();
  ring.pop();
  ASSERT_FALSE(ring.consumer.prepare_park());
  ASSERT_TRUE(ring.push("z"));
  EXPECT_TRUE(ring.producer.peer_needs_doorbell());
}

TEST(SpscRingParkTest, AConsumerThatFindsDataMustNotSleep) {
  RingPair ring;
  ASSERT_TRUE(ring.push("x"));
  EXPECT_TRUE(ring.consumer.prepare_park());
}

TEST(SpscRingParkTest, AProducerThatSleepsForRoomIsRungOncePerSleep) {
  RingPair ring;
  while (ring.push("x")) {
  }
  EXPECT_FALSE(ring.consumer.peer_waits_for_space());
  ASSERT_FALSE(ring.producer.prepare_park(32).value());
  ring.pop();
  EXPECT_TRUE(ring.consumer.peer_waits_for_space());
  EXPECT_FALSE(ring.consumer.peer_waits_for_space());
  EXPECT_TRUE(ring.producer.has_space(32).value()) << "credits went out with the question";
  ring.producer.unpark();
  EXPECT_TRUE(ring.push("y"));
  ASSERT_FALSE(ring.producer.prepare_park(32).value());
  EXPECT_TRUE(ring.consumer.peer_waits_for_space());
}

}  // namespace
}  // namespace mcpwire::ring
