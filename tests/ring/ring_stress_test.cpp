// SPDX-License-Identifier: MIT
//
// Both ends as threads on one mapping, so that ThreadSanitizer sees both sides of every access.
#include "ring/call_words.hpp"
#include "tests/ring/rendezvous.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/stress.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <random>
#include <string>
#include <thread>

namespace mcpwire::ring {
namespace {

/// So that large rings do not make the test long.
constexpr std::uint32_t kPayloadBytesMax = 4096;

/// A ring of any size, a few laps before its positions wrap.
RingPair random_ring(std::mt19937_64& random) {
  const std::uint64_t bytes = random_ring_bytes(random);
  return RingPair(static_cast<std::uint32_t>(bytes),
                  std::numeric_limits<std::uint64_t>::max() - 4 * bytes + 1);
}

void carry_records(RingPair& ring, std::uint64_t count) {
  const std::uint32_t bytes_max = std::min(ring.producer.payload_bytes_max(), kPayloadBytesMax);
  std::thread sender([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string payload = pattern(i, payload_bytes(i, bytes_max));
      while (!ring.push(payload, i)) std::this_thread::yield();
    }
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    while (!ring.consumer.has_data()) std::this_thread::yield();
    std::uint64_t correlation = 0;
    const std::string payload = ring.pop(&correlation);
    if (payload != pattern(i, payload_bytes(i, bytes_max)) || correlation != i) {
      ADD_FAILURE() << "record " << i;
      std::abort();
    }
  }
  sender.join();
  EXPECT_TRUE(ring.is_empty());
}

TEST(RingStressTest, EveryRecordArrivesOnceAndWhole) {
  const std::uint64_t seed = stress_seed();
  SCOPED_TRACE("MCPWIRE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 8; ++i) {
    RingPair ring = random_ring(random);
    carry_records(ring, 5'000 * kScale);
  }
}

TEST(RingStressTest, ABatchIsSeenWholeOrNotAtAll) {
  RingPair ring(kRingBytesMin);
  const std::uint64_t batches = 8'000 * kScale;
  constexpr std::uint64_t kBatch = 5;
  std::thread sender([&] {
    for (std::uint64_t batch = 0; batch < batches; ++batch) {
      for (;;) {
        ring.producer.begin_batch();
        std::uint64_t pushed = 0;
        while (pushed < kBatch && ring.push(pattern(batch, batch * 37 % 300), batch)) ++pushed;
        if (pushed == kBatch) break;
        ring.producer.abort_batch();
        std::this_thread::yield();
      }
      ring.producer.commit_batch();
    }
  });
  for (std::uint64_t batch = 0; batch < batches; ++batch) {
    while (!ring.consumer.has_data()) std::this_thread::yield();
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      ASSERT_TRUE(ring.consumer.has_data()) << "the rest of a visible batch is there";
      std::uint64_t correlation = 0;
      ASSERT_EQ(ring.pop(&correlation), pattern(batch, batch * 37 % 300));
      ASSERT_EQ(correlation, batch);
    }
    // An aborted batch gives its room back only when credits are published.
    static_cast<void>(ring.consumer.peer_waits_for_space());
  }
  sender.join();
}

TEST(ParkRaceTest, AConsumerThatSleepsIsRungOrSeesTheRecord) {
  RingPair ring;
  const std::uint64_t rounds = kRaceRounds;
  Rendezvous meeting;
  bool rung = false;
  std::thread sender([&] {
    for (std::uint64_t round = 1; round <= rounds; ++round) {
      meeting.meet(1, round, 0);
      const bool rung_early = ring.producer.peer_needs_doorbell();
      meeting.meet(1, round, 1);
      stagger(1, round);
      ring.push("x");
      rung = ring.producer.peer_needs_doorbell() || rung_early;
      meeting.meet(1, round, 2);
    }
  });
  std::uint64_t lost = 0;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    meeting.meet(0, round, 0);
    const bool was_empty = !ring.consumer.has_data();
    meeting.meet(0, round, 1);
    stagger(0, round);
    const bool has_data = ring.consumer.prepare_park() || !was_empty;
    meeting.meet(0, round, 2);
    ring.consumer.unpark();
    if (!has_data && !rung) ++lost;
    ring.pop();
  }
  sender.join();
  EXPECT_EQ(lost, 0u);
}

TEST(ParkRaceTest, AProducerThatSleepsForRoomIsRungOrSeesTheRoom) {
  RingPair ring;
  while (ring.push("x")) {
  }
  const std::uint64_t rounds = kRaceRounds;
  Rendezvous meeting;
  bool has_space = false;
  std::thread sender([&] {
    for (std::uint64_t round = 1; round <= rounds; ++round) {
      meeting.meet(1, round, 0);
      const bool had_space = ring.producer.has_space(32).value();
      meeting.meet(1, round, 1);
      stagger(1, round);
      has_space = ring.producer.prepare_park(32).value() || had_space;
      meeting.meet(1, round, 2);
      ring.producer.unpark();
      ring.push("x");
    }
  });
  std::uint64_t lost = 0;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    meeting.meet(0, round, 0);
    const bool rung_early = ring.consumer.peer_waits_for_space();
    ring.pop();  // Its credits go out with the next question.
    meeting.meet(0, round, 1);
    stagger(0, round);
    const bool rung = ring.consumer.peer_waits_for_space() || rung_early;
    meeting.meet(0, round, 2);
    if (!has_space && !rung) ++lost;
  }
  sender.join();
  EXPECT_EQ(lost, 0u);
}

TEST(CallWordStressTest, NotSentIsNeverALie) {
  const OwnedSegment client_segment = make_segment(kRingBytesMin);
  const OwnedSegment daemon_segment = make_segment(kRingBytesMin);
  DaemonCallWords daemon(daemon_segment.memory(), client_segment.memory());
  ClientCallWords client(client_segment.memory(), daemon_segment.memory());
  const std::uint64_t rounds = kRaceRounds;
  const auto client_word = [&](std::uint64_t id) {
    return detail::word(client_segment.memory().page->call_words[protocol::call_word_index(id)]);
  };
  Rendezvous meeting;
  bool sent = false;
  std::thread server([&] {
    for (std::uint64_t id = 1; id <= rounds; ++id) {
      daemon.publish(id, protocol::CallState::kClaimed);
      meeting.meet(1, id, 0);
      static_cast<void>(client_word(id).load(std::memory_order_relaxed));
      meeting.meet(1, id, 1);
      stagger(1, id);
      sent = daemon.begin_sending(id);
      meeting.meet(1, id, 2);
    }
  });
  std::uint64_t lies = 0;
  for (std::uint64_t id = 1; id <= rounds; ++id) {
    meeting.meet(0, id, 0);
    static_cast<void>(client.state(id));
    meeting.meet(0, id, 1);
    stagger(0, id);
    const bool may_have_been_sent = protocol::may_have_been_sent(client.revoke(id));
    meeting.meet(0, id, 2);
    if (!may_have_been_sent && sent) ++lies;
  }
  server.join();
  EXPECT_EQ(lies, 0u);
}

}  // namespace
}  // namespace mcpwire::ring
