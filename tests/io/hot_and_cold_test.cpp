// SPDX-License-Identifier: MIT
//
// What a hot daemon does not do (system calls), what an idle one does not do (anything), and every
// size of ring from the handshake to back-pressure.
#include "io/client_channel.hpp"

#include "ring/spin_leave.hpp"
#include "ring/waiter.hpp"
#include "tests/io/client_channel_fixture.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

class HotAndColdTest : public ClientChannelFixture {
 protected:
  void open(Connected& connected, std::uint32_t ring_bytes) {
    connected = make_open(ring_bytes);
    connected.receiver->react = [&connected](const SeenFrame& frame) {
      answer(*connected.channel, frame.header.correlation, frame.payload);
      connected.receiver->frames.clear();
    };
  }

  void TearDown() override {
    second_ = {};
    ClientChannelFixture::TearDown();
  }

  /// One ping, as a client that spins: it never sleeps, so nobody rings it.
  void ping(RawClient& client, std::uint64_t correlation) {
    ASSERT_TRUE(client.push(FrameKind::kRequest, Method::kPing, correlation, "hi"));
    ASSERT_FALSE(client.producer->peer_needs_doorbell());
    loop_->run_once(kNever);
    const auto reply = client.pop();
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->header.correlation, correlation);
    static_cast<void>(client.consumer->peer_waits_for_space());
  }

  Connected second_;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(HotAndColdTest);

TEST_P(HotAndColdTest, AHotDaemonMakesNoSystemCall) {
  open(first_, RawClient::kRingBytes);
  ping(*first_.client, 1);
  settle();
  const LoopCounters before = loop_->counters();
  for (std::uint64_t i = 2; i < 100'000; ++i) {
    loop_->hint_spin_until(kNever);
    ASSERT_NO_FATAL_FAILURE(ping(*first_.client, i));
  }
  const LoopCounters after = loop_->counters();
  // With epoll it asks the kernel once in each turn.
  EXPECT_LE(after.kernel_enters - before.kernel_enters, is_on_epoll() ? 100'000U : 0U);
  EXPECT_EQ(after.parks, before.parks);
}

// A bell at a socket becomes visible in a flag of the ring's own memory (IORING_SQ_TASKRUN), which
// is looked at beside the hot rings.
TEST_P(HotAndColdTest, ABellIsHeardWhileAnotherClientKeepsTheDaemonHot) {
  open(first_, RawClient::kRingBytes);
  open(second_, RawClient::kRingBytes);
  for (int turn = 0; turn < 12; ++turn) loop_->run_once(kNanosecondsPerMicrosecond);
  ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kPing, 1, ""));
  ASSERT_TRUE(first_.client->producer->peer_needs_doorbell());
  ASSERT_TRUE(ring::ring_doorbell(first_.client->socket.get()));
  settle();
  ASSERT_TRUE(first_.client->pop().has_value());
  for (std::uint64_t round = 1; round <= 100; ++round) {
    const std::uint64_t before = loop_->counters().kernel_enters;
    RawClient& cold = *second_.client;
    ASSERT_TRUE(cold.push(FrameKind::kRequest, Method::kPing, round, "cold"));
    const bool rings = cold.producer->peer_needs_doorbell();
    if (rings) ASSERT_TRUE(ring::ring_doorbell(cold.socket.get()));
    ASSERT_TRUE(rings || round > 1) << "it was not cold";
    std::uint64_t turns = 0;
    while (!cold.consumer->has_data() && turns < 10) {
      ++turns;
      loop_->hint_spin_until(kNever);
      ASSERT_NO_FATAL_FAILURE(ping(*first_.client, 1000 * round + turns));
    }
    EXPECT_LE(turns, 2U);
    EXPECT_EQ(cold.pop()->payload, "cold");
    EXPECT_LE(loop_->counters().kernel_enters - before, 4U) << "for the bell alone";
  }
}

// Others who keep the loop from sleeping do not make a client cold: it would have to ring for each
// request as long as they flood.
TEST_P(HotAndColdTest, AClientCoolsInSleepsAndNotInTurns) {
  struct Restless final : Poller {
    bool poll() override { return false; }
    bool prepare_park() override { return false; }  // A record came in that moment.
    void unpark(LoopSlept) override {}
  } restless;
  ChannelHostOptions options;
  options.spin_ns = 0;
  make_host(std::move(options));
  open(first_, RawClient::kRingBytes);
  ASSERT_NO_FATAL_FAILURE(ping(*first_.client, 1));
  loop_->add_poller(restless);
  for (int turn = 0; turn < 100; ++turn) loop_->run_once(kNever);
  ASSERT_NO_FATAL_FAILURE(ping(*first_.client, 2));
  loop_->remove_poller(restless);
  for (int turn = 0; turn < 12; ++turn) loop_->run_once(kNanosecondsPerMicrosecond);
  ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kPing, 3, ""));
  EXPECT_TRUE(first_.client->producer->peer_needs_doorbell()) << "an idle client has to ring";
}

TEST_P(HotAndColdTest, AfterTheLastAnswerTheLoopSleepsUntilSomethingHappens) {
  class Alarm final : public Timer {
   public:
    void on_timer() override { fired = true; }
    bool fired = false;
  } alarm;
  open(first_, RawClient::kRingBytes);
  for (std::uint64_t i = 1; i < 100; ++i) {
    ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kPing, i, ""));
    loop_->run_once(0);
    ASSERT_TRUE(first_.client->pop().has_value());
  }
  const LoopCounters before = loop_->counters();
  loop_->arm(alarm, loop_->now_ns() + 50 * kNanosecondsPerMillisecond);
  run_until([&] { return alarm.fired; });
  const LoopCounters after = loop_->counters();
  // One look-out that is in vain, one sleep until the alarm, the alarm.
  EXPECT_LE(after.turns - before.turns, 4U);
  EXPECT_LE(after.spins - before.spins, 1U);
  EXPECT_LE(after.spin_rounds - before.spin_rounds, 5'000U) << "50 us are some hundred";
  if (!is_on_epoll()) {
    EXPECT_LE(after.kernel_enters - before.kernel_enters, 4U);
  }
}

/// A daemon with many clients of whom one pings, each time out of its sleep.
class IdleCrowdTest : public HotAndColdTest {
 protected:
  static constexpr std::uint64_t kPings = 200;
  static constexpr std::size_t kIdle = 200;

  void SetUp() override {
    HotAndColdTest::SetUp();
    make_host({.spin_ns = 0});
    open(first_, RawClient::kRingBytes);
  }
  void TearDown() override {
    idle_.clear();
    HotAndColdTest::TearDown();
  }
  void cool_down() {
    for (int turn = 0; turn < 12; ++turn) loop_->run_once(kNanosecondsPerMicrosecond);
  }
  LoopCounters cost_of_pings() {
    RawClient& client = *first_.client;
    const LoopCounters before = loop_->counters();
    for (std::uint64_t i = 1; i <= kPings; ++i) {
      EXPECT_TRUE(client.push(FrameKind::kRequest, Method::kPing, i, "hi"));
      if (client.producer->peer_needs_doorbell()) {
        EXPECT_TRUE(ring::ring_doorbell(client.socket.get()));
      }
      run_until([&] { return client.consumer->has_data(); });
      EXPECT_TRUE(client.pop().has_value());
    }
    const LoopCounters after = loop_->counters();
    return {.turns = after.turns - before.turns,
            .kernel_enters = after.kernel_enters - before.kernel_enters};
  }

  std::vector<Connected> idle_;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(IdleCrowdTest);

TEST_P(IdleCrowdTest, APingAmongManyIdleClientsCostsWhatItCostsAlone) {
  cool_down();
  const LoopCounters alone = cost_of_pings();
  for (std::size_t i = 0; i < kIdle; ++i) idle_.push_back(make_open(RawClient::kRingBytes));
  cool_down();
  std::size_t asleep = 0;
  first_.receiver->react = [&](const SeenFrame& frame) {
    // Of a client that is looked at in this turn nobody would want a bell.
    if (frame.header.correlation == kPings) {
      for (Connected& each : idle_) {
        EXPECT_TRUE(each.client->push(FrameKind::kRequest, Method::kPing, 1, ""));
        asleep += each.client->producer->peer_needs_doorbell() ? 1 : 0;
      }
    }
    answer(*first_.channel, frame.header.correlation, frame.payload);
    first_.receiver->frames.clear();
  };
  const LoopCounters among_many = cost_of_pings();
  EXPECT_EQ(asleep, kIdle);
  EXPECT_LE(among_many.turns, alone.turns + 2);
  EXPECT_LE(among_many.kernel_enters, alone.kernel_enters + 2);
}

TEST_P(HotAndColdTest, AnIdleClientSpinsOnceAndSleeps) {
  open(first_, RawClient::kRingBytes);
  RawClient& client = *first_.client;
  const SystemClock clock;
  ring::Waiter waiter(*client.consumer, *client.producer, clock,
                      {.socket_fd = client.socket.get(),
                       .spin_ns = 100 * kNanosecondsPerMicrosecond,
                       .processors = 2,
                       .spin_leave_of = client.peer->memory()});
  const std::uint64_t until = clock.monotonic_ns() + 50 * kNanosecondsPerMillisecond;
  EXPECT_EQ(waiter.wait_blocking(until).value(), ring::WaitOutcome::kTimeout);
  EXPECT_LE(waiter.counters().spins, 1U);
  EXPECT_LE(waiter.counters().parks, 2U);
}

TEST_P(HotAndColdTest, TheDaemonSaysWhoMaySpin) {
  open(first_, RawClient::kRingBytes);
  open(second_, RawClient::kRingBytes);
  const auto limit_of = [](const Connected& connected) {
    return ring::spin_limit_ns(connected.client->peer->memory(), kNever - 1);
  };
  const std::uint64_t granted = host_->options().client_spin_ns;
  EXPECT_EQ(limit_of(first_), granted);
  EXPECT_EQ(limit_of(second_), 0U) << "one seat, and it is taken";
  // The first one is silent from now on; the second one asks until it has the seat.
  for (std::uint64_t i = 1; limit_of(second_) == 0; ++i) {
    ASSERT_TRUE(second_.client->push(FrameKind::kRequest, Method::kPing, i, ""));
    loop_->run_once(kNanosecondsPerMillisecond);
    while (second_.client->pop()) {
    }
    static_cast<void>(second_.client->consumer->peer_waits_for_space());
    if (second_.client->producer->peer_needs_doorbell()) {
      ASSERT_TRUE(ring::ring_doorbell(second_.client->socket.get()));
    }
  }
  EXPECT_EQ(limit_of(first_), 0U);
  EXPECT_EQ(limit_of(second_), granted);
  host_->set_wake_price(10 * kNanosecondsPerMicrosecond);
  EXPECT_EQ(limit_of(second_), 50 * kNanosecondsPerMicrosecond);
  EXPECT_EQ(host_->options().spin_ns, 15 * kNanosecondsPerMicrosecond);
}

// Requests and answers as large as the ring carries inline, more answers than fit until the client
// reads, and both ends empty afterwards.
TEST_P(HotAndColdTest, EverySizeOfRingWorksFromHandshakeToBackPressure) {
  for (std::uint32_t bytes = ring::kRingBytesMin; bytes <= ring::kRingBytesMax; bytes *= 2) {
    SCOPED_TRACE(bytes);
    open(first_, bytes);
    EXPECT_EQ(first_.channel->ring_bytes(), bytes);
    RawClient& client = *first_.client;
    const std::string largest(
        std::min<std::size_t>(client.producer->payload_bytes_max(), 48 * 1024), 'x');
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    constexpr std::uint64_t kRequests = 40;
    for (int turn = 0; turn < 2000 && answered < kRequests; ++turn) {
      while (asked < kRequests &&
             client.push(FrameKind::kRequest, Method::kCallTool, asked + 1, largest)) {
        ++asked;
      }
      if (client.producer->peer_needs_doorbell()) {
        ASSERT_TRUE(ring::ring_doorbell(client.socket.get()));
      }
      loop_->run_once(0);
      if (turn < 5) continue;  // The daemon's ring fills up first.
      while (const auto reply = client.pop()) {
        ASSERT_EQ(reply->header.correlation, ++answered);
        ASSERT_EQ(reply->payload.size(), largest.size());
      }
      if (client.consumer->peer_waits_for_space()) {
        ASSERT_TRUE(ring::ring_doorbell(client.socket.get()));
      }
    }
    EXPECT_EQ(answered, kRequests);
    EXPECT_FALSE(first_.channel->has_unsent());
    EXPECT_FALSE(first_.receiver->closed.has_value());
  }
}

}  // namespace
}  // namespace mcpwire::io
