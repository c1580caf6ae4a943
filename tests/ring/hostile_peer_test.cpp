// SPDX-License-Identifier: MIT
//
// What a peer can write that no producer or consumer of ours writes. Every violation is reported
// as one, is final, and touches no memory outside the ring (AddressSanitizer watches).
#include "tests/ring/ring_pair.hpp"

#include "ring/spsc_ring.hpp"

#include <functional>
#include <random>

namespace mcpwire::ring {
namespace {

using protocol::FrameHeader;
using protocol::FrameKind;

FrameHeader good_header(std::uint64_t position, std::uint32_t payload_len) {
  FrameHeader header{request_header(), lap_tag(position), 1};
  header.request.payload_len = payload_len;
  return header;
}

class HostilePeerTest : public testing::Test {
 protected:
  void write_record(std::uint64_t position, const FrameHeader& header) {
    std::memcpy(ring.sender_segment.memory().ring + position % kRingBytesMin, &header,
                sizeof(header));
  }

  void expect_violation() {
    EXPECT_TRUE(ring.consumer.has_data()) << "a waiter must not sleep on a violation";
    const auto frame = ring.consumer.peek();
    ASSERT_FALSE(frame.has_value());
    EXPECT_EQ(frame.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(frame.error().code, ErrorCode::kProtocolViolation);
  }

  void expect_header_refused(const std::function<void(FrameHeader&)>& spoil) {
    FrameHeader header = good_header(0, 16);
    spoil(header);
    write_record(0, header);
    expect_violation();
  }

  RingPair ring{kRingBytesMin};
};

TEST_F(HostilePeerTest, AWellFormedRecordWrittenByHandIsAccepted) {
  write_record(0, good_header(0, 16));
  EXPECT_EQ(ring.pop().size(), 16u);
}

TEST_F(HostilePeerTest, ATagOfAnotherLapIsAViolation) {
  FrameHeader header = good_header(kRingBytesMin, 16);
  write_record(0, header);
  expect_violation();
}

TEST_F(HostilePeerTest, AnyOtherNonZeroCommitWordIsAViolation) {
  expect_header_refused([](FrameHeader& header) { header.commit = 1; });
}

TEST_F(HostilePeerTest, AViolationIsFinalEvenIfThePeerRepairsIt) {
  FrameHeader header = good_header(0, 16);
  header.request.version = 99;
  write_record(0, header);
  expect_violation();
  write_record(0, good_header(0, 16));
  expect_violation();
}

TEST_F(HostilePeerTest, WrongMagicIsAViolation) {
  expect_header_refused([](FrameHeader& header) { header.request.magic[0] = 'X'; });
}

TEST_F(HostilePeerTest, WrongVersionIsAViolation) {
  expect_header_refused([](FrameHeader& header) { header.request.version = 2; });
}

TEST_F(HostilePeerTest, ReservedFlagBitsAreAViolation) {
  expect_header_refused([](FrameHeader& header) { header.request.flags |= 1u << 31; });
}

TEST_F(HostilePeerTest, UnknownMethodIsAViolation) {
  expect_header_refused([](FrameHeader& header) { header.request.method = 10'000; });
}

TEST_F(HostilePeerTest, TheLargestLengthIsAViolation) {
  expect_header_refused([](FrameHeader& header) { header.request.payload_len = 0xffff'ffff; });
}

TEST_F(HostilePeerTest, ALengthThatOverflowsTheRoundingIsAViolation) {
  expect_header_refused([](FrameHeader& header) { header.request.payload_len = 0xffff'ffe0; });
}

TEST_F(HostilePeerTest, OneByteOverTheLargestPayloadIsAViolation) {
  expect_header_refused([](FrameHeader& header) {
    header.request.payload_len = record_payload_bytes_max(kRingBytesMin) + 1;
  });
}

TEST_F(HostilePeerTest, ARecordPastTheEndOfTheRingIsAViolation) {
  for (int i = 0; i < 62; ++i) {
    ASSERT_TRUE(ring.push("x"));
    ring.pop();
  }
  const std::uint64_t position = 62 * kGranuleBytes;
  write_record(position, good_header(position, 2 * kGranuleBytes));
  expect_violation();
}

TEST_F(HostilePeerTest, APadAtTheStartOfTheRingIsAViolation) {
  expect_header_refused([](FrameHeader& header) {
    header.request.flags = protocol::make_flags(FrameKind::kPad);
    header.request.method = 0;
    header.request.payload_len = kRingBytesMin;
  });
}

TEST_F(HostilePeerTest, APadOfTheWrongLengthIsAViolation) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(ring.push("x"));
    ring.pop();
  }
  const std::uint64_t position = 60 * kGranuleBytes;
  FrameHeader pad = good_header(position, 3 * kGranuleBytes);
  pad.request.flags = protocol::make_flags(FrameKind::kPad);
  pad.request.method = 0;
  write_record(position, pad);
  expect_violation();
}

TEST_F(HostilePeerTest, APadBehindWhichNothingStandsIsJustEmpty) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(ring.push("x"));
    ring.pop();
  }
  std::memset(ring.sender_segment.memory().ring, 0, kGranuleBytes);
  const std::uint64_t position = 60 * kGranuleBytes;
  FrameHeader pad = good_header(position, 4 * kGranuleBytes);
  pad.request.flags = protocol::make_flags(FrameKind::kPad);
  pad.request.method = 0;
  write_record(position, pad);
  EXPECT_TRUE(ring.is_empty());
}

TEST_F(HostilePeerTest, ALengthChangedAfterPeekDoesNotChangeTheFrame) {
  ASSERT_TRUE(ring.push("four"));
  ASSERT_TRUE(ring.push("next"));
  const auto before = ring.consumer.peek();
  ASSERT_TRUE(before.has_value() && before->has_value());
  write_record(0, good_header(0, 900));
  const auto after = ring.consumer.peek();
  ASSERT_TRUE(after.has_value() && after->has_value());
  EXPECT_EQ((*after)->volatile_payload.size(), 4u);
  ring.consumer.release();
  EXPECT_EQ(ring.pop(), "next");
}

class HostileConsumerTest : public HostilePeerTest {
 protected:
  void publish_position(std::uint64_t position) {
    ring.receiver_segment.memory().page->consumer_position = position;
  }

  void fill_and_drain_once() {
    while (ring.push("x")) {
    }
    for (int i = 0; i < 63; ++i) ring.pop();
    ASSERT_FALSE(ring.consumer.peer_waits_for_space());
    ASSERT_TRUE(ring.push("y"));  // Makes the producer believe the new position.
    while (ring.push("x")) {
    }
  }

  void expect_corrupt() {
    EXPECT_FALSE(ring.producer.try_reserve(900).has_value());
    EXPECT_TRUE(ring.producer.peer_is_corrupt());
    const auto space = ring.producer.prepare_park(900);
    ASSERT_FALSE(space.has_value());
    EXPECT_EQ(space.error().code, ErrorCode::kProtocolViolation);
  }
};

TEST_F(HostileConsumerTest, APositionAheadOfWhatWasWrittenIsAViolation) {
  while (ring.push("x")) {
  }
  publish_position(64 * kGranuleBytes);
  expect_corrupt();
}

TEST_F(HostileConsumerTest, APositionThatGoesBackwardsIsAViolation) {
  fill_and_drain_once();
  publish_position(0);
  expect_corrupt();
}

TEST_F(HostileConsumerTest, APositionBetweenGranulesIsAViolation) {
  while (ring.push("x")) {
  }
  publish_position(33);
  expect_corrupt();
}

TEST_F(HostileConsumerTest, APositionInsideAnUncommittedBatchIsAViolation) {
  ring.producer.begin_batch();
  while (ring.push("x")) {
  }
  publish_position(kGranuleBytes);
  EXPECT_FALSE(ring.producer.try_reserve(32).has_value());
  EXPECT_TRUE(ring.producer.peer_is_corrupt());
}

TEST_F(HostilePeerTest, RandomBytesNeverLeaveTheRing) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    RingPair* pair = &ring;
    Consumer consumer(pair->receiver_segment.memory(), pair->sender_segment.memory());
    std::uint64_t position = 0;
    for (int step = 0; step < 8; ++step) {
      FrameHeader header = good_header(position, static_cast<std::uint32_t>(random() % 1024));
      auto* bytes = reinterpret_cast<unsigned char*>(&header);
      if (random() % 4 == 0)
        bytes[random() % sizeof(header)] ^= static_cast<unsigned char>(1u << random() % 8);
      write_record(position, header);
      const auto frame = consumer.peek();
      if (!frame.has_value() || !frame->has_value()) break;
      const ByteSpan payload = (*frame)->volatile_payload;
      const std::byte* ring_end = pair->sender_segment.memory().ring + kRingBytesMin;
      ASSERT_GE(payload.data(), pair->sender_segment.memory().ring);
      ASSERT_LE(payload.data() + payload.size(), ring_end);
      position += record_bytes(static_cast<std::uint32_t>(payload.size()));
      consumer.release();
    }
  }
}

}  // namespace
}  // namespace mcpwire::ring
