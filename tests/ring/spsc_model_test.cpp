// SPDX-License-Identifier: MIT
//
// Every operation of the two ends in random order, against a queue that is obviously right: all
// ring sizes, at positions where 32 and 64 bits overflow. Batches are seen whole or not at all,
// credits arrive before anybody sleeps, and each sleep is ended by one doorbell.
#include "tests/ring/ring_pair.hpp"

#include <deque>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

namespace mcpwire::ring {
namespace {

using Parameters = std::tuple<std::uint32_t, std::uint64_t>;

class SpscModelTest : public testing::TestWithParam<Parameters> {
 protected:
  std::uint32_t ring_bytes() const { return std::get<0>(GetParam()); }

  std::uint64_t pick(std::uint64_t count) { return random_() % count; }
  /// Mostly small, now and then as large as can be.
  std::uint32_t pick_bytes() {
    const std::uint32_t max = ring_.producer.payload_bytes_max();
    switch (pick(8)) {
      case 0:
        return max - static_cast<std::uint32_t>(pick(2));
      case 1:
        return static_cast<std::uint32_t>(pick(max + 1));
      default:
        return static_cast<std::uint32_t>(pick(200));
    }
  }

  void push_one(std::deque<std::string>& target) {
    const std::string payload = pattern(++serial_, pick_bytes());
    const auto bytes = static_cast<std::uint32_t>(payload.size());
    // More than is needed may be reserved, and the reservation given back.
    const auto reserved =
        std::min(bytes + static_cast<std::uint32_t>(pick(100)), ring_.producer.payload_bytes_max());
    const auto room = ring_.producer.try_reserve(reserved);
    if (!room) return;
    copy_bytes(*room, as_bytes(payload));
    if (pick(8) == 0) return ring_.producer.abort();
    ring_.producer.commit(request_header(), serial_, bytes);
    pushed_bytes_ += bytes;
    target.push_back(payload);
  }

  /// What has become visible, and whether the consumer sleeps because of it.
  void published(std::size_t records) {
    if (records == 0) return;
    EXPECT_EQ(ring_.producer.peer_needs_doorbell(), consumer_sleeps_);
    EXPECT_FALSE(ring_.producer.peer_needs_doorbell()) << "once for each sleep";
    if (!consumer_sleeps_) return;
    ring_.consumer.unpark();
    consumer_sleeps_ = false;
  }

  void push_alone() {
    const std::size_t before = visible_.size();
    push_one(visible_);
    published(visible_.size() - before);
  }

  void push_batch() {
    std::deque<std::string> batch;
    ring_.producer.begin_batch();
    for (std::uint64_t count = pick(6); count != 0; --count) {
      push_one(batch);
      if (visible_.empty()) EXPECT_FALSE(ring_.consumer.has_data()) << "of an open batch";
    }
    if (pick(4) == 0) return ring_.producer.abort_batch();
    ring_.producer.commit_batch();
    visible_.insert(visible_.end(), batch.begin(), batch.end());
    published(batch.size());
  }

  void pop_some() {
    for (std::uint64_t count = pick(8); count != 0 && !visible_.empty(); --count) {
      ASSERT_EQ(ring_.pop(), visible_.front());
      visible_.pop_front();
    }
    if (visible_.empty()) EXPECT_TRUE(ring_.is_empty());
  }

  void park_consumer() {
    if (consumer_sleeps_) return;
    EXPECT_EQ(ring_.consumer.prepare_park(), !visible_.empty());
    consumer_sleeps_ = visible_.empty();
    if (!consumer_sleeps_) ring_.consumer.unpark();
    // All credits are out: whoever is drained can be filled.
    if (visible_.empty()) {
      EXPECT_TRUE(ring_.producer.has_space(ring_.producer.payload_bytes_max()).value());
    }
  }

  /// The producer sleeps until the largest record fits; the consumer makes room and rings once.
  void park_producer() {
    const std::uint32_t wanted = ring_.producer.payload_bytes_max();
    const bool has_room = ring_.producer.prepare_park(wanted).value();
    int rung = 0;
    while (!has_room && !ring_.producer.has_space(wanted).value()) {
      ASSERT_FALSE(visible_.empty()) << "no room in a ring that was drained";
      ASSERT_EQ(ring_.pop(), visible_.front());
      visible_.pop_front();
      rung += ring_.consumer.peer_waits_for_space() ? 1 : 0;
    }
    EXPECT_EQ(rung, has_room ? 0 : 1);
    ring_.producer.unpark();
    EXPECT_FALSE(ring_.consumer.peer_waits_for_space());
  }

  RingPair ring_{std::get<0>(GetParam()), std::get<1>(GetParam())};
  std::mt19937_64 random_{ring_bytes() ^ std::get<1>(GetParam())};
  std::deque<std::string> visible_;
  std::uint64_t serial_ = 0;
  std::uint64_t pushed_bytes_ = 0;
  bool consumer_sleeps_ = false;
};

TEST_P(SpscModelTest, EveryOperationInAnyOrder) {
  // At least ten laps, so that the overflow lies in the middle of them.
  const std::uint64_t steps = ring_bytes() <= 65536 ? 4000 : 800;
  for (std::uint64_t step = 0; step < steps && !HasFailure(); ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    switch (pick(8)) {
      case 0:
      case 1:
      case 2:
        push_alone();
        break;
      case 3:
        push_batch();
        break;
      case 4:
        park_consumer();
        break;
      case 5:
        park_producer();
        break;
      default:
        pop_some();
    }
  }
  EXPECT_GT(pushed_bytes_, 10 * std::uint64_t{ring_bytes()});
}

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::string name_of(const testing::TestParamInfo<Parameters>& info) {
  return "Ring" + std::to_string(std::get<0>(info.param)) + "From" +
         std::to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Sizes, SpscModelTest,
                         testing::Combine(testing::Values(4096, 8192, 16384, 32768, 65536, 131072,
                                                          262144, 524288, 1048576),
                                          testing::Values(0, (std::uint64_t{1} << 32) - 8192,
                                                          (std::uint64_t{1} << 37) - 8192,
                                                          kMax - 8191, kMax - 63)),
                         name_of);

}  // namespace
}  // namespace mcpwire::ring
