// SPDX-License-Identifier: MIT
//
// Sides that sleep: for records, for room, for both. A wake-up that is lost leaves a thread asleep
// with no doorbell, which ends the execution as a violation.
#include "tests/explorer/ring_world.hpp"
#include "tests/explorer/scenarios.hpp"

#include <algorithm>
#include <array>

namespace mcpwire::explorer {

namespace {

constexpr std::uint64_t kRing = ring::kRingBytesMin;
/// Two records in front of the position that begins again at 0.
constexpr std::uint64_t kNearEnd = std::uint64_t{0} - 128;

struct Traffic {
  std::uint64_t start = kRing;
  std::uint32_t payload = 32;
  std::size_t unread = 0;  ///< Largest records in each direction's ring beforehand.
  std::array<std::size_t, 2> sends = {1, 0};
  std::size_t batch = 1;
};

/// Two sides in the loop of README.md ("An end in an event loop"): each sends its messages and
/// takes the other's, and sleeps when it can do neither.
class Conversation : public RingWorld {
 public:
  explicit Conversation(Traffic traffic) : traffic_(traffic) {}

  std::size_t thread_count() const override { return 2; }
  void start() override {
    begin_at(traffic_.start);
    for (std::size_t side = 0; side < 2; ++side) {
      if (traffic_.sends[side] == 0) continue;
      for (std::size_t i = 0; i < traffic_.unread; ++i) push(side, i, kLargest);
    }
  }

  void run(std::size_t side) override {
    const std::size_t peer = 1 - side;
    std::size_t to_send = traffic_.sends[side];
    const std::size_t expected =
        traffic_.sends[peer] == 0 ? 0 : traffic_.sends[peer] + traffic_.unread;
    std::size_t received = 0;
    while (to_send != 0 || received < expected) {
      const std::size_t before = received;
      while (received < expected && pop(side, received)) ++received;
      if (received != before && consumer(side).peer_waits_for_space()) ring_doorbell(peer);
      const std::size_t sent = send(side, to_send);
      to_send -= sent;
      if (sent != 0 && producer(side).peer_needs_doorbell()) ring_doorbell(peer);
      if (received == before && sent == 0) sleep(side, received < expected, to_send != 0);
    }
  }

 private:
  std::size_t send(std::size_t side, std::size_t to_send) {
    const std::size_t wanted = std::min(to_send, traffic_.batch);
    const std::uint64_t first = traffic_.unread + traffic_.sends[side] - to_send;
    if (traffic_.batch > 1 && wanted != 0) producer(side).begin_batch();
    std::size_t sent = 0;
    while (sent < wanted && push(side, first + sent, traffic_.payload)) ++sent;
    if (traffic_.batch > 1 && wanted != 0) producer(side).commit_batch();
    return sent;
  }

  void sleep(std::size_t side, bool for_records, bool for_room) {
    const auto may_sleep = [&] {
      if (for_records && consumer(side).prepare_park()) return false;
      if (!for_room) return true;
      const auto has_room = producer(side).prepare_park(traffic_.payload);
      if (!has_room.has_value()) fail("the producer saw an impossible position");
      return !*has_room;
    };
    if (may_sleep()) wait_for_doorbell();
    if (for_records) consumer(side).unpark();
    if (for_room) producer(side).unpark();
  }

  Traffic traffic_;
};

/// Credits below an eighth of the ring go out only with the question whether anybody waits for
/// them; the question and the sleeper's second look are all there is between the two.
class LastCredits : public RingWorld {
 public:
  std::size_t thread_count() const override { return 2; }
  void start() override {
    begin_at(kRing);
    for (std::uint64_t i = 0; push(0, i, 32); ++i) {
    }
  }
  void run(std::size_t index) override {
    if (index == 1) {
      pop(1, 0);
      if (consumer(1).peer_waits_for_space()) ring_doorbell(0);
      return;
    }
    while (!push(0, kRecordsThatFit, 32)) {
      const auto has_room = producer(0).prepare_park(32);
      if (has_room.has_value() && !*has_room) wait_for_doorbell();
      producer(0).unpark();
    }
  }

 private:
  /// All granules but the one that is kept free.
  static constexpr std::uint64_t kRecordsThatFit = kRing / ring::kGranuleBytes - 1;
};

}  // namespace

void add_parking(std::vector<Scenario>& all, Depth depth) {
  const auto conversation = [&](std::string name, Traffic traffic, std::uint64_t states_min) {
    all.push_back(
        {std::move(name), [=] { return std::make_unique<Conversation>(traffic); }, states_min});
  };
  conversation("ASleeperForOneRecord", {}, 54);
  conversation("ASleeperForTwoRecords", {.sends = {2, 0}}, 860);
  conversation("ASleeperForABatch", {.sends = {2, 0}, .batch = 2}, 60);
  conversation("ASleeperForARecordBehindAPad", {.start = 2 * kRing - 64, .payload = 100}, 65);
  conversation("APingPong", {.sends = {1, 1}}, 490);
  all.push_back({"TheLastCredits", [] { return std::make_unique<LastCredits>(); }, 40});
  conversation("ASleeperForRoom", {.payload = kLargest, .unread = 3}, 930);
  conversation("ASleeperForRoomBehindAPad",
               {.start = 2 * kRing - 3 * 1024 - 64, .payload = kLargest, .unread = 3}, 900);
  if (depth == Depth::kQuick) return;
  conversation("ASleeperForThreeRecords", {.sends = {3, 0}}, 15'000);
  conversation("ASleeperForThreeRecordsNearTheEnd", {.start = kNearEnd, .sends = {3, 0}}, 15'000);
  conversation("ASleeperForTwoBatches", {.sends = {4, 0}, .batch = 2}, 1'000);
  conversation("ASleeperForRoomTwice", {.payload = kLargest, .unread = 3, .sends = {2, 0}}, 23'000);
  conversation("ASleeperForRoomForABatch",
               {.payload = kLargest, .unread = 3, .sends = {2, 0}, .batch = 2}, 15'000);
  conversation("TwoSleepersForRoom", {.payload = kLargest, .unread = 3, .sends = {1, 1}}, 25'000);
  conversation("APingPongOfTwo", {.sends = {2, 2}}, 18'000);
  conversation("TwoAgainstOne", {.sends = {2, 1}}, 3'900);
  conversation("ASleeperForFourRecords", {.sends = {4, 0}}, 310'000);
  conversation("ThreeAgainstOne", {.sends = {3, 1}}, 49'000);
  conversation("ThreeAgainstTwo", {.sends = {3, 2}}, 140'000);
  if (depth == Depth::kCi) return;
  conversation("ASleeperForRoomThreeTimes", {.payload = kLargest, .unread = 3, .sends = {3, 0}},
               550'000);
  conversation("TwoSleepersForRoomTwoAgainstOne",
               {.payload = kLargest, .unread = 3, .sends = {2, 1}}, 360'000);
  conversation("TwoSleepersForRoomForABatch",
               {.payload = kLargest, .unread = 3, .sends = {2, 2}, .batch = 2}, 420'000);
  conversation("ThreeAgainstThree", {.sends = {3, 3}}, 640'000);
  conversation("FourAgainstOne", {.sends = {4, 1}}, 850'000);
}

}  // namespace mcpwire::explorer
