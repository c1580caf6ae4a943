// SPDX-License-Identifier: MIT
#include "io/shard_mail.hpp"

#include "tests/io/chosen_loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

/// Both ends on one thread: what happens when is the test's.
class ShardMailTest : public ::testing::Test {
 protected:
  void settle() {
    for (int idle = 0; idle < 3;) {
      bool worked = first_loop_->run_once(0);
      worked |= second_loop_->run_once(0);
      idle = worked ? 0 : idle + 1;
    }
  }

  std::unique_ptr<ShardMail> mail_ = ShardMail::create(2).value();
  std::unique_ptr<Loop> first_loop_ = create_chosen_loop().value();
  std::unique_ptr<Loop> second_loop_ = create_chosen_loop().value();
  ShardPort first_{*first_loop_, *mail_, 0};
  ShardPort second_{*second_loop_, *mail_, 1};
};

TEST_F(ShardMailTest, WorkRunsOnTheOtherLoopAndNotInsideSend) {
  int runs = 0;
  first_.send(1, [&] { ++runs; });
  EXPECT_EQ(runs, 0);
  first_loop_->run_once(0);
  EXPECT_EQ(runs, 0) << "on its own loop";
  second_loop_->run_once(0);
  EXPECT_EQ(runs, 1);
}

TEST_F(ShardMailTest, WorkForOneselfRunsInTheNextTurn) {
  int runs = 0;
  first_.send(0, [&] { ++runs; });
  EXPECT_EQ(runs, 0);
  first_loop_->run_once(0);
  EXPECT_EQ(runs, 1);
}

TEST_F(ShardMailTest, ASleeperIsWoken) {
  second_.send(0, [&] { first_.send(1, [&] { second_loop_->stop(); }); });
  first_loop_->run_once(kNever);
  second_loop_->run();
}

TEST_F(ShardMailTest, AFullQueueLosesNothingAndKeepsTheOrder) {
  constexpr std::size_t kMany = 5000;
  std::vector<std::size_t> seen;
  for (std::size_t number = 0; number < kMany; ++number) {
    first_.send(1, [&seen, number] { seen.push_back(number); });
  }
  settle();
  ASSERT_EQ(seen.size(), kMany);
  for (std::size_t number = 0; number < kMany; ++number) EXPECT_EQ(seen[number], number);
}

TEST_F(ShardMailTest, AFloodTakesSeveralTurnsOfItsReceiver) {
  int runs = 0;
  for (int number = 0; number < 100; ++number) first_.send(1, [&] { ++runs; });
  second_loop_->run_once(0);
  EXPECT_EQ(runs, 64);
  settle();
  EXPECT_EQ(runs, 100);
}

TEST(ShardMailEndTest, WorkThatIsNeverTakenIsDestroyed) {
  const auto kept = std::make_shared<int>(1);
  {
    const std::unique_ptr<ShardMail> mail = ShardMail::create(2).value();
    const std::unique_ptr<Loop> loop = create_chosen_loop().value();
    ShardPort port(*loop, *mail, 0);
    for (int number = 0; number < 2000; ++number) port.send(1, [kept] {});
    EXPECT_EQ(kept.use_count(), 2001);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

/// A ball that each loop returns: both sleep most of the time, and no wake-up may be lost.
TEST(ShardMailThreadsTest, NoWakeUpIsLostBetweenSleepers) {
  constexpr int kRounds = 2000;
  const std::unique_ptr<ShardMail> mail = ShardMail::create(2).value();
  std::atomic<ShardPort*> ports[2] = {};
  std::atomic<Loop*> loops[2] = {};
  int rounds = 0;  // Touched by whoever has the ball.
  struct Game {
    static void play(std::atomic<ShardPort*>* all, std::atomic<Loop*>* every, int* count,
                     std::size_t own) {
      if (++*count >= kRounds) {
        const std::size_t other = 1 - own;
        all[own].load()->send(other, [every, other] { every[other].load()->stop(); });
        every[own].load()->stop();
        return;
      }
      const std::size_t other = 1 - own;
      all[own].load()->send(other, [=] { play(all, every, count, other); });
    }
  };
  const auto run = [&](std::size_t own) {
    const std::unique_ptr<Loop> loop = create_chosen_loop().value();
    ShardPort port(*loop, *mail, own);
    loops[own] = loop.get();
    ports[own] = &port;
    while (ports[1 - own] == nullptr) std::this_thread::yield();
    if (own == 0) port.send(0, [&] { Game::play(ports, loops, &rounds, 0); });
    loop->run();
    // The last letter may still be on its way.
    loop->run_once(0);
  };
  std::thread other([&] { run(1); });
  run(0);
  other.join();
  EXPECT_EQ(rounds, kRounds);
}

/// Both flood each other beyond what the queues hold.
TEST(ShardMailThreadsTest, FloodsInBothDirectionsArriveWholeAndInOrder) {
  constexpr std::size_t kMany = 20'000;
  const std::unique_ptr<ShardMail> mail = ShardMail::create(2).value();
  std::atomic<int> done{0};
  std::size_t next[2] = {0, 0};  // Each touched by its receiver only.
  const auto run = [&](std::size_t own) {
    const std::unique_ptr<Loop> loop = create_chosen_loop().value();
    ShardPort port(*loop, *mail, own);
    std::size_t* expected = &next[1 - own];
    for (std::size_t number = 0; number < kMany; ++number) {
      port.send(1 - own, [expected, number] { *expected += *expected == number ? 1 : kMany; });
      if (number % 512 == 0) loop->run_once(0);
    }
    while (next[own] < kMany) loop->run_once(kNanosecondsPerMillisecond);
    ++done;
    // The other's letters wait in our backlog until it takes them.
    while (done < 2) loop->run_once(kNanosecondsPerMillisecond);
  };
  std::thread other([&] { run(1); });
  run(0);
  other.join();
  EXPECT_EQ(next[0], kMany);
  EXPECT_EQ(next[1], kMany);
}

}  // namespace
}  // namespace mcpwire::io
