// SPDX-License-Identifier: MIT
//
// A record against a consumer that gives its ring back, at the same moment: both must believe the
// same of it, or a call would be lost or made twice.
#include "ring/spsc_ring.hpp"

#include "tests/ring/rendezvous.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/stress.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace mcpwire::ring {
namespace {

using PeerState = Producer::PeerState;

constexpr std::uint64_t kRounds = kRaceRounds;

// On a busy machine one side may win every race: in these rounds there is none. Odd, so that the
// consumer takes nothing before it decides.
constexpr bool is_record_first(std::uint64_t round) noexcept { return round % 64 == 1; }
constexpr bool is_record_last(std::uint64_t round) noexcept { return round % 64 == 33; }

/// What the producer may believe of its record once the ring was or was not given back.
enum class Belief : std::uint8_t { kTaken, kLost };

Belief settle(Producer& producer) {
  for (;;) {
    switch (producer.look_at_peer()) {
      case PeerState::kHears:
      case PeerState::kNeedsDoorbell:
        return Belief::kTaken;
      case PeerState::kRetiring:
        std::this_thread::yield();
        break;
      case PeerState::kRetired:
        return producer.peer_took_all() ? Belief::kTaken : Belief::kLost;
    }
  }
}

TEST(RetireRaceTest, BothSidesBelieveTheSameOfARecordThatComesMeanwhile) {
  RingPair ring;
  Rendezvous meeting;
  Belief belief = Belief::kTaken;
  std::atomic<std::uint64_t> decided = 0;
  std::thread sender([&] {
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      meeting.meet(1, round, 0);
      static_cast<void>(ring.producer.peer_has_retired());
      if (is_record_first(round)) ring.push("x");
      meeting.meet(1, round, 1);
      if (is_record_last(round)) {
        while (decided.load(std::memory_order_acquire) != round) std::this_thread::yield();
      } else {
        stagger(1, round);
      }
      if (!is_record_first(round)) ring.push("x");
      belief = settle(ring.producer);
      meeting.meet(1, round, 2);
    }
  });
  std::uint64_t wrong = 0;
  std::uint64_t retired = 0;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    meeting.meet(0, round, 0);
    static_cast<void>(ring.consumer.has_data());
    meeting.meet(0, round, 1);
    stagger(0, round);
    // In every other round the record may also be taken just before the ring is given back.
    bool taken = false;
    if (round % 2 == 0 && ring.consumer.has_data()) {
      ring.pop();
      taken = true;
    }
    const bool goes_on = ring.consumer.prepare_retire();
    if (goes_on) {
      ring.consumer.unpark();
    } else {
      ring.consumer.retire();
      ++retired;
    }
    decided.store(round, std::memory_order_release);
    meeting.meet(0, round, 2);
    if (goes_on) {
      ring.pop();
      taken = true;
    }
    if (taken != (belief == Belief::kTaken)) ++wrong;
    if (!goes_on) {
      // The next round's ring: this one, emptied.
      ring.consumer.unpark();
      if (!taken) ring.pop();
    }
  }
  sender.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GE(retired, kRounds / 64) << "each round in which the record comes last";
  EXPECT_LE(retired, kRounds - kRounds / 64) << "no round in which it comes first";
}

}  // namespace
}  // namespace mcpwire::ring
