// SPDX-License-Identifier: MIT
//
// Soaks of the park protocol in rings of random sizes, with spin 0 and with a little: a wake-up
// that is lost shows as a time-out.
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/waiter.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"
#include "tests/ring/stress.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <thread>

namespace mcpwire::ring {
namespace {

/// Far above any wake-up; a wait that needs it was not woken.
constexpr std::uint64_t kWatchdogNs = 10 * kNanosecondsPerSecond;

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
  const std::uint64_t seed = stress_seed();
  const testing::ScopedTrace trace{__FILE__, __LINE__, "MCPWIRE_SEED=" + std::to_string(seed)};
  std::mt19937_64 random{seed};
  const std::uint32_t ring_bytes = random_ring_bytes(random);
  OwnedSegment near_segment = make_segment(ring_bytes);
  OwnedSegment far_segment = make_segment(ring_bytes);
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

}  // namespace
}  // namespace mcpwire::ring
