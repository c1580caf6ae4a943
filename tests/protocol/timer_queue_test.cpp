// SPDX-License-Identifier: MIT
#include "protocol/base/timer_queue.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/seams/clock.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace mcpwire {
namespace {

/// Just enough of a loop for timers to leave their queue.
class QueueOnlyLoop final : public EventLoop {
 public:
  std::uint64_t now_ns() const noexcept override { return 0; }
  void post(Runnable&) override { MCPWIRE_CHECK(false); }
  void arm(Timer& timer, std::uint64_t deadline_ns) override { queue.arm(timer, deadline_ns); }
  void disarm(Timer& timer) noexcept override { queue.disarm(timer); }
  TimerQueue queue{*this};
};

class IdleTimer final : public Timer {
 public:
  void on_timer() override {}
};

TEST(TimerQueueTest, AnEmptyQueueIsDueNever) {
  QueueOnlyLoop loop;
  EXPECT_EQ(loop.queue.next_deadline_ns(), kNever);
  EXPECT_EQ(loop.queue.pop_due(kNever), nullptr);
}

TEST(TimerQueueTest, GivesTimersOutInOrderAndOnlyWhenDue) {
  QueueOnlyLoop loop;
  IdleTimer late, early;
  loop.arm(late, 200);
  loop.arm(early, 100);
  EXPECT_EQ(loop.queue.next_deadline_ns(), 100u);
  EXPECT_EQ(loop.queue.pop_due(99), nullptr);
  EXPECT_EQ(loop.queue.pop_due(100), &early);
  EXPECT_FALSE(early.is_armed());
  EXPECT_TRUE(late.is_armed());
  EXPECT_EQ(loop.queue.pop_due(100), nullptr);
  EXPECT_EQ(loop.queue.pop_due(1'000), &late);
  EXPECT_EQ(loop.queue.pop_due(kNever), nullptr);
}

TEST(TimerQueueTest, RearmingMovesTheDeadlineEitherWay) {
  QueueOnlyLoop loop;
  IdleTimer first, second;
  loop.arm(first, 100);
  loop.arm(second, 200);
  loop.arm(first, 300);
  EXPECT_EQ(loop.queue.next_deadline_ns(), 200u);
  loop.arm(first, 50);
  EXPECT_EQ(loop.queue.pop_due(1'000), &first);
  EXPECT_EQ(loop.queue.pop_due(1'000), &second);
  EXPECT_EQ(loop.queue.pop_due(1'000), nullptr);
}

TEST(TimerQueueTest, DisarmingForgetsTheTimerAndMayBeRepeated) {
  QueueOnlyLoop loop;
  IdleTimer timer;
  loop.disarm(timer);
  loop.arm(timer, 100);
  loop.disarm(timer);
  loop.disarm(timer);
  EXPECT_FALSE(timer.is_armed());
  EXPECT_EQ(loop.queue.pop_due(kNever), nullptr);
}

TEST(TimerQueueTest, ADestroyedTimerIsForgotten) {
  QueueOnlyLoop loop;
  IdleTimer stays;
  std::optional<IdleTimer> goes(std::in_place);
  loop.arm(*goes, 100);
  loop.arm(stays, 200);
  goes.reset();
  EXPECT_EQ(loop.queue.pop_due(kNever), &stays);
}

TEST(TimerQueueTest, ADestroyedQueueLetsItsTimersGo) {
  IdleTimer timer;
  {
    QueueOnlyLoop loop;
    loop.arm(timer, 100);
  }
  EXPECT_FALSE(timer.is_armed());
}

TEST(TimerQueueTest, KeepsOrderThroughRandomArmingAndDisarming) {
  const char* given = std::getenv("MCPWIRE_TEST_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::mt19937_64 random(seed);
  QueueOnlyLoop loop;
  struct Entry {
    IdleTimer timer;
    std::uint64_t deadline_ns = kNever;  ///< kNever: not armed.
  };
  std::vector<Entry> entries(100);
  std::uint64_t now = 0;
  for (int round = 0; round < 20'000; ++round) {
    Entry& entry = entries[random() % entries.size()];
    const std::uint64_t choice = random() % 8;
    if (choice < 5) {
      entry.deadline_ns = now + random() % 500;
      loop.arm(entry.timer, entry.deadline_ns);
    } else if (choice < 6) {
      entry.deadline_ns = kNever;
      loop.disarm(entry.timer);
    } else {
      now += random() % 100;
    }
    const auto least = std::ranges::min_element(entries, {}, &Entry::deadline_ns);
    ASSERT_EQ(loop.queue.next_deadline_ns(), least->deadline_ns) << "MCPWIRE_TEST_SEED=" << seed;
    while (Timer* due = loop.queue.pop_due(now)) {
      const auto popped = std::ranges::find_if(entries, [&](Entry& e) { return &e.timer == due; });
      ASSERT_EQ(popped->deadline_ns,
                std::ranges::min_element(entries, {}, &Entry::deadline_ns)->deadline_ns);
      popped->deadline_ns = kNever;
    }
    ASSERT_GT(loop.queue.next_deadline_ns(), now);
  }
}

}  // namespace
}  // namespace mcpwire
