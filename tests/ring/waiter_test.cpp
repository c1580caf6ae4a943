// SPDX-License-Identifier: MIT
#include "ring/waiter.hpp"

#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/spin_leave.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"

#include <csignal>
#include <thread>
#include <vector>

#include <pthread.h>

namespace mcpwire::ring {
namespace {

/// A clock that advances by `step_ns` each time it is read.
class SteppingClock final : public Clock {
 public:
  explicit SteppingClock(std::uint64_t step_ns) : step_ns_(step_ns) {}
  std::uint64_t monotonic_ns() const noexcept override { return now_ns_ += step_ns_; }
  std::uint64_t realtime_ns() const noexcept override { return now_ns_; }

 private:
  std::uint64_t step_ns_;
  mutable std::uint64_t now_ns_ = 1;
};

/// "near" waits; "far" is its peer. Four ends on two segments.
class WaiterTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  Waiter waiter(const Clock& clock, std::uint64_t spin_ns, int pidfd = -1) {
    return Waiter(near_consumer, near_producer, clock,
                  {.socket_fd = sockets.near.get(),
                   .peer_pidfd = pidfd,
                   .spin_ns = spin_ns,
                   .processors = 2});
  }
  Waiter waiter() { return waiter(real_clock, GetParam()); }

  bool far_push(std::string_view text) {
    return far_producer.try_push(request_header(), 1, as_bytes(text), {});
  }

  OwnedSegment near_segment = make_segment(kRingBytesMin);
  OwnedSegment far_segment = make_segment(kRingBytesMin);
  Consumer near_consumer{near_segment.memory(), far_segment.memory()};
  Producer near_producer{near_segment.memory(), far_segment.memory()};
  Consumer far_consumer{far_segment.memory(), near_segment.memory()};
  Producer far_producer{far_segment.memory(), near_segment.memory()};
  SocketPair sockets;
  SystemClock real_clock;
};

TEST_P(WaiterTest, FindsDataThatIsAlreadyThere) {
  ASSERT_TRUE(far_push("x"));
  Waiter waiting = waiter();
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kData);
  EXPECT_EQ(waiting.counters().parks, 0u);
}

TEST_P(WaiterTest, FindsRoomThatIsAlreadyThere) {
  EXPECT_EQ(waiter().wait_blocking(kNever, 32).value(), WaitOutcome::kSpace);
}

TEST_P(WaiterTest, DataComesBeforeRoom) {
  ASSERT_TRUE(far_push("x"));
  EXPECT_EQ(waiter().wait_blocking(kNever, 32).value(), WaitOutcome::kData);
}

TEST_P(WaiterTest, APassedDeadlineIsATimeout) {
  EXPECT_EQ(waiter().wait_blocking(1).value(), WaitOutcome::kTimeout);
}

TEST_P(WaiterTest, AControlFrameEndsTheWaitAndStays) {
  EXPECT_EQ(send_frame(sockets.far.get(), {request_header(), 1, as_bytes("frame")}).value(),
            SendStatus::kSent);
  EXPECT_EQ(waiter().wait_blocking(kNever).value(), WaitOutcome::kControlFrame);
  std::vector<std::byte> buffer(256);
  EXPECT_EQ(as_text(recv_frame(sockets.near.get(), buffer).value()->payload), "frame");
}

TEST_P(WaiterTest, AClosedSocketIsAPeerThatIsGone) {
  sockets.far.reset();
  EXPECT_EQ(waiter().wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
}

TEST_P(WaiterTest, ASpuriousDoorbellIsTakenAndTheWaitGoesOn) {
  ASSERT_TRUE(ring_doorbell(sockets.far.get()).has_value());
  ASSERT_TRUE(ring_doorbell(sockets.far.get()).has_value());
  sockets.far.reset();
  EXPECT_EQ(waiter().wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
}

TEST_P(WaiterTest, AnImpossiblePositionOfThePeerIsAnError) {
  while (near_producer.try_push(request_header(), 1, {}, {})) {
  }
  far_segment.memory().page->consumer_position = kRingBytesMin;
  const auto outcome = waiter().wait_blocking(kNever, 900);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kProtocolViolation);
}

INSTANTIATE_TEST_SUITE_P(SpinNs, WaiterTest, testing::Values(0, 20'000));

class WaiterClockTest : public WaiterTest {};

TEST_F(WaiterClockTest, ASpinnerNoticesTheEndOfItsPeer) {
  SteppingClock clock(100'000);
  sockets.far.reset();
  Waiter waiting = waiter(clock, kNever - 1);  // Never parks.
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
  EXPECT_EQ(waiting.counters().parks, 0u);
}

TEST_F(WaiterClockTest, ASpinnerKeepsItsDeadline) {
  SteppingClock clock(1'000);
  Waiter waiting = waiter(clock, kNever - 1);
  EXPECT_EQ(waiting.wait_blocking(1'000'000).value(), WaitOutcome::kTimeout);
  EXPECT_EQ(waiting.counters().parks, 0u);
}

TEST_F(WaiterClockTest, OneProcessorNeverSpins) {
  SteppingClock clock(1'000);
  Waiter waiting(near_consumer, near_producer, clock,
                 {.socket_fd = sockets.near.get(), .spin_ns = kNever - 1, .processors = 1});
  sockets.far.reset();
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
  EXPECT_EQ(waiting.counters().parks, 1u);
}

TEST_F(WaiterClockTest, WithoutLeaveItDoesNotSpin) {
  const SteppingClock clock(1000);
  publish_spin_leave(far_segment.memory(), kSpinForbidden);
  sockets.far.reset();
  Waiter waiting(near_consumer, near_producer, clock,
                 {.socket_fd = sockets.near.get(),
                  .spin_ns = kNever - 1,
                  .processors = 2,
                  .spin_leave_of = far_segment.memory()});
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
  EXPECT_EQ(waiting.counters().spins, 0u);
  EXPECT_EQ(waiting.counters().parks, 1u);
}

TEST_F(WaiterClockTest, ALeaveThatEndsEndsTheSpin) {
  /// Forbids spinning when the waiter reads the time for the third time.
  class Withdrawing final : public Clock {
   public:
    explicit Withdrawing(SegmentMemory memory) : memory_(memory) {}
    std::uint64_t monotonic_ns() const noexcept override {
      if (++reads_ == 3) publish_spin_leave(memory_, kSpinForbidden);
      return now_ns_ += 1000;
    }
    std::uint64_t realtime_ns() const noexcept override { return 0; }

   private:
    SegmentMemory memory_;
    mutable int reads_ = 0;
    mutable std::uint64_t now_ns_ = 1;
  };
  const Withdrawing clock(far_segment.memory());
  publish_spin_leave(far_segment.memory(), kNever - 1);
  Waiter waiting(near_consumer, near_producer, clock,
                 {.socket_fd = sockets.near.get(),
                  .spin_ns = kNever - 1,
                  .processors = 2,
                  .spin_leave_of = far_segment.memory()});
  sockets.far.reset();
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
  EXPECT_EQ(waiting.counters().spins, 1u);
  EXPECT_EQ(waiting.counters().parks, 1u) << "long before a spinner looks at the socket";
}

TEST_F(WaiterClockTest, ASpinInVainSuspendsTheNext) {
  const SteppingClock clock(1000);
  Waiter waiting(near_consumer, near_producer, clock,
                 {.socket_fd = sockets.near.get(), .spin_ns = 5000, .processors = 2});
  sockets.far.reset();
  for (const unsigned spins : {1u, 1u, 2u, 2u, 2u, 2u, 3u}) {
    EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
    EXPECT_EQ(waiting.counters().spins, spins);
  }
}

TEST_F(WaiterClockTest, WhatADeadPeerPublishedIsDeliveredFirst) {
  ASSERT_TRUE(far_push("last words"));
  sockets.far.reset();
  Waiter waiting = waiter(real_clock, 0);
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kData);
  ASSERT_TRUE(near_consumer.peek().value().has_value());
  near_consumer.release();
  EXPECT_EQ(waiting.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
}

TEST_F(WaiterClockTest, ASignalInterruptsTheSleep) {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  struct sigaction before{};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t self = ::pthread_self();
  std::atomic<bool> woken = false;
  // The signal is repeated, because one that comes before the sleep interrupts nothing.
  std::thread signaller([&] {
    while (!woken.load(std::memory_order_acquire)) {
      ::pthread_kill(self, SIGUSR1);
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(waiter(real_clock, 0).wait_blocking(kNever).value(), WaitOutcome::kInterrupted);
  woken.store(true, std::memory_order_release);
  signaller.join();
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST_F(WaiterClockTest, APeerThatSleepsForRoomIsRungBeforeWeSleep) {
  while (far_push("x")) {
  }
  ASSERT_FALSE(far_producer.prepare_park(32).value());
  while (near_consumer.peek().value().has_value()) near_consumer.release();
  Waiter waiting = waiter(real_clock, 0);
  EXPECT_EQ(waiting.wait_blocking(1).value(), WaitOutcome::kTimeout);
  EXPECT_EQ(waiting.counters().doorbells_rung, 1u);
  EXPECT_EQ(take_doorbell(sockets.far.get()), SocketState::kDoorbell);
}

}  // namespace
}  // namespace mcpwire::ring
