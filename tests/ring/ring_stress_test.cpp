// SPDX-License-Identifier: MIT
//
// Both ends as threads on one mapping, so that ThreadSanitizer sees both sides of every access,
// and soaks of the park protocol with spin 0, in which a lost wake-up shows as a time-out.
#include "protocol/base/system_clock.hpp"
#include "ring/call_words.hpp"
#include "ring/control_socket.hpp"
#include "ring/waiter.hpp"
#include "tests/ring/rendezvous.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"

#include <atomic>
#include <random>
#include <thread>

namespace mcpwire::ring {
namespace {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr std::uint64_t kScale = 1;
constexpr std::uint64_t kRaceRounds = 5'000;
#else
constexpr std::uint64_t kScale = 5;
constexpr std::uint64_t kRaceRounds = 200'000;
#endif
#endif

/// Far above any wake-up; a wait that needs it was not woken.
constexpr std::uint64_t kWatchdogNs = 10 * kNanosecondsPerSecond;

std::size_t payload_bytes(std::uint64_t i, std::uint32_t bytes_max) {
  return (i * 2654435761u >> 7) % (bytes_max + 1);
}

TEST(RingStressTest, EveryRecordArrivesOnceAndWhole) {
  RingPair ring(kRingBytesMin, std::numeric_limits<std::uint64_t>::max() - 262'143);
  const std::uint64_t count = 40'000 * kScale;
  const std::uint32_t bytes_max = ring.producer.payload_bytes_max();
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

/// One side of a conversation in which both sleep at once: spin 0, so every wait parks.
struct Side {
  Side(const OwnedSegment& own, const OwnedSegment& peer, int socket_fd, std::uint64_t spin_ns)
      : consumer(own.memory(), peer.memory()),
        producer(own.memory(), peer.memory()),
        socket(socket_fd),
        waiter(consumer, producer, clock, {.socket_fd = socket_fd, .spin_ns = spin_ns}) {}

  /// Pushes, waiting for room as often as it takes; data that comes meanwhile goes to `on_data`.
  template <class OnData>
  bool send(std::string_view payload, std::uint64_t correlation, OnData&& on_data) {
    while (!producer.try_push(request_header(), correlation, as_bytes(payload), {})) {
      const auto outcome = waiter.wait_blocking(clock.monotonic_ns() + kWatchdogNs,
                                                static_cast<std::uint32_t>(payload.size()));
      if (!outcome.has_value() || *outcome == WaitOutcome::kTimeout) return false;
      if (*outcome == WaitOutcome::kData) on_data();
    }
    if (producer.peer_needs_doorbell()) static_cast<void>(ring_doorbell(socket));
    return true;
  }

  bool wait_for_data() {
    const auto outcome = waiter.wait_blocking(clock.monotonic_ns() + kWatchdogNs);
    return outcome.has_value() && *outcome == WaitOutcome::kData;
  }

  std::string take() {
    const FrameView frame = consumer.peek().value().value();
    std::string payload(frame.volatile_payload.size(), '\0');
    std::memcpy(payload.data(), frame.volatile_payload.data(), payload.size());
    consumer.release();
    return payload;
  }

  SystemClock clock;
  Consumer consumer;
  Producer producer;
  int socket;
  Waiter waiter;
};

class ParkSoakTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  OwnedSegment near_segment = make_segment(kRingBytesMin);
  OwnedSegment far_segment = make_segment(kRingBytesMin);
  SocketPair sockets;
  Side near{near_segment, far_segment, sockets.near.get(), GetParam()};
  Side far{far_segment, near_segment, sockets.far.get(), GetParam()};
};

TEST_P(ParkSoakTest, NoWakeUpIsLostInAPingPong) {
  const std::uint64_t rounds = 6'000 * kScale;
  std::thread echo([&] {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      if (!far.wait_for_data() || !far.send(far.take(), i, [] {})) {
        ADD_FAILURE() << "lost wake-up of the echo in round " << i;
        return;
      }
    }
  });
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const std::string payload = pattern(i, payload_bytes(i, 900));
    ASSERT_TRUE(near.send(payload, i, [] {}));
    ASSERT_TRUE(near.wait_for_data()) << "lost wake-up in round " << i;
    ASSERT_EQ(near.take(), payload);
  }
  echo.join();
  RecordProperty("parks", std::to_string(near.waiter.counters().parks));
  if (GetParam() == 0) {
    EXPECT_GT(near.waiter.counters().parks, 0u);
  }
}

TEST_P(ParkSoakTest, NoWakeUpIsLostWhenOneSideWaitsForRoom) {
  const std::uint64_t count = 20'000 * kScale;
  std::thread sender([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!far.send(pattern(i, payload_bytes(i, 900)), i, [] {})) {
        ADD_FAILURE() << "lost wake-up of the sender at " << i;
        return;
      }
    }
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(near.wait_for_data()) << "lost wake-up at " << i;
    ASSERT_EQ(near.take(), pattern(i, payload_bytes(i, 900)));
  }
  sender.join();
}

TEST_P(ParkSoakTest, TwoSidesThatBothWaitForRoomDoNotWaitForEachOther) {
  constexpr std::uint64_t count = 10'000 * kScale;
  const auto run = [](Side& side, const char* name) {
    std::uint64_t received = 0;
    const auto drain = [&] {
      while (side.consumer.peek().value().has_value()) {
        EXPECT_EQ(side.take(), pattern(received, payload_bytes(received, 900))) << name;
        ++received;
      }
      if (side.consumer.peer_waits_for_space()) static_cast<void>(ring_doorbell(side.socket));
    };
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(side.send(pattern(i, payload_bytes(i, 900)), i, drain)) << name << ' ' << i;
    }
    while (received < count) {
      ASSERT_TRUE(side.wait_for_data()) << name << " received " << received;
      drain();
    }
  };
  std::thread other([&] { run(far, "far"); });
  run(near, "near");
  other.join();
}

INSTANTIATE_TEST_SUITE_P(SpinNs, ParkSoakTest, testing::Values(0, 2'000));

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
