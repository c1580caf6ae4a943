// SPDX-License-Identifier: MIT
//
// A stream of records in one direction: what the two ends say to each other besides, counted. A
// doorbell costs as much as hundreds of records.
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/waiter.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"
#include "tests/ring/stress.hpp"

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

namespace mcpwire::ring {
namespace {

constexpr std::size_t kPayloadBytes = 64;
constexpr std::uint32_t kStreamRingBytes = 64 * 1024;

/// Both ends of both directions; "far" sends, "near" receives.
struct Stream {
  explicit Stream(std::uint64_t spin_ns)
      : near_waiter(near_consumer, near_producer, clock, options(sockets.near.get(), spin_ns)),
        far_waiter(far_consumer, far_producer, clock, options(sockets.far.get(), spin_ns)) {}

  static WaiterOptions options(int socket, std::uint64_t spin_ns) {
    return {.socket_fd = socket, .spin_ns = spin_ns, .processors = 2};
  }

  bool far_push(std::uint64_t i) {
    return far_producer.try_push(request_header(), i, as_bytes(pattern(i, kPayloadBytes)), {});
  }

  /// False if it was not record `i`.
  bool near_pop(std::uint64_t i) {
    const auto frame = near_consumer.peek();
    if (!frame || !*frame) return false;
    const bool is_right = (*frame)->header.correlation == i &&
                          as_text((*frame)->volatile_payload) == pattern(i, kPayloadBytes);
    near_consumer.release();
    return is_right;
  }

  /// Sends records 0 to `count`; returns the doorbells that went out with them.
  std::uint64_t send(std::uint64_t count) {
    std::uint64_t doorbells = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      while (!far_push(i)) {
        const auto outcome = far_waiter.wait_blocking(kNever, kPayloadBytes);
        if (!outcome || *outcome != WaitOutcome::kSpace) std::abort();
      }
      if (!far_producer.peer_needs_doorbell()) continue;
      ++doorbells;
      if (!ring_doorbell(sockets.far.get())) std::abort();
    }
    return doorbells;
  }

  void receive(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto outcome = near_waiter.wait_blocking(kNever);
      if (!outcome || *outcome != WaitOutcome::kData || !near_pop(i)) std::abort();
    }
  }

  OwnedSegment near_segment = make_segment(kStreamRingBytes);
  OwnedSegment far_segment = make_segment(kStreamRingBytes);
  Consumer near_consumer{near_segment.memory(), far_segment.memory()};
  Producer near_producer{near_segment.memory(), far_segment.memory()};
  Consumer far_consumer{far_segment.memory(), near_segment.memory()};
  Producer far_producer{far_segment.memory(), near_segment.memory()};
  SocketPair sockets;
  SystemClock clock;
  Waiter near_waiter;
  Waiter far_waiter;
};

TEST(RingStreamTest, EndsThatSpinSleepAndRingNotOnce) {
  const std::uint64_t count = 20'000 * kScale;
  Stream stream(kNever - 1);
  std::uint64_t doorbells = 0;
  std::thread sender([&] { doorbells = stream.send(count); });
  stream.receive(count);
  sender.join();
  EXPECT_EQ(doorbells, 0u);
  for (const Waiter* waiter : {&stream.near_waiter, &stream.far_waiter}) {
    EXPECT_EQ(waiter->counters().parks, 0u);
    EXPECT_EQ(waiter->counters().doorbells_rung, 0u);
    EXPECT_EQ(waiter->counters().doorbells_taken, 0u);
  }
}

/// However the two are scheduled: a producer that was rung has an eighth of the ring to fill before
/// it can sleep again, or the ring was empty, which it is at most once for each time it was full.
TEST(RingStreamTest, ASleepingProducerIsRungRarelyForAllThatItSends) {
  const std::uint64_t count = 20'000 * kScale;
  Stream stream(0);
  std::thread sender([&] { stream.send(count); });
  stream.receive(count);
  sender.join();
  const std::uint64_t eighths =
      count * record_bytes(kPayloadBytes) / credit_step_bytes(kStreamRingBytes);
  EXPECT_LE(stream.near_waiter.counters().doorbells_rung, 2 * eighths + 1);
}

TEST(RingStreamTest, ASleepingProducerIsRungAsSoonAsAnEighthIsFree) {
  Stream stream(0);
  std::uint64_t sent = 0;
  while (stream.far_push(sent)) ++sent;
  ASSERT_FALSE(stream.far_producer.prepare_park(kPayloadBytes).value());

  const std::uint64_t eighth = credit_step_bytes(kStreamRingBytes) / record_bytes(kPayloadBytes);
  std::uint64_t taken = 0;
  while (stream.near_waiter.counters().doorbells_rung == 0) {
    ASSERT_EQ(stream.near_waiter.wait_blocking(kNever).value(), WaitOutcome::kData);
    if (stream.near_waiter.counters().doorbells_rung != 0) break;
    ASSERT_TRUE(stream.near_pop(taken++));
    ASSERT_LT(taken, sent) << "the ring was read empty before anybody was told";
  }
  EXPECT_EQ(taken, eighth);
  EXPECT_EQ(take_doorbell(stream.sockets.far.get()), SocketState::kDoorbell);
  EXPECT_TRUE(stream.far_producer.has_space(kPayloadBytes).value());

  while (taken < sent) {
    ASSERT_EQ(stream.near_waiter.wait_blocking(kNever).value(), WaitOutcome::kData);
    ASSERT_TRUE(stream.near_pop(taken++));
  }
  EXPECT_EQ(stream.near_waiter.wait_blocking(1).value(), WaitOutcome::kTimeout);
  EXPECT_EQ(stream.near_waiter.counters().doorbells_rung, 1u) << "once for one sleep";
}

TEST(RingStreamTest, CreditsAreUntoldUntilSomebodyAsks) {
  RingPair ring;
  const std::uint64_t eighth = credit_step_bytes(kRingBytesMin) / record_bytes(1);
  for (std::uint64_t i = 0; i < eighth; ++i) {
    EXPECT_FALSE(ring.consumer.has_untold_credits());
    ASSERT_TRUE(ring.push("x"));
    ring.pop();
  }
  EXPECT_TRUE(ring.consumer.has_untold_credits());
  EXPECT_FALSE(ring.consumer.peer_waits_for_space());
  EXPECT_FALSE(ring.consumer.has_untold_credits());
}

}  // namespace
}  // namespace mcpwire::ring
