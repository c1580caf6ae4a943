// SPDX-License-Identifier: MIT
#include "io/detail/spin_budget.hpp"

#include "protocol/base/seams/clock.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace mcpwire::io::detail {
namespace {

constexpr std::uint64_t kOwnLimitNs = 1'000'000;
constexpr std::uint64_t kSpinNs = 120'000;
constexpr std::uint64_t kMs = kNanosecondsPerMillisecond;

/// A client of the daemon with the page that it reads.
struct Client {
  ring::ControlPage page{};
  SpinSeat seat{ring::SegmentMemory{&page, nullptr, 0}};
  std::uint64_t limit() const {
    return ring::spin_limit_ns(ring::PeerMemory(&page, nullptr, 0), kOwnLimitNs);
  }
  bool may_spin() const { return limit() != 0; }
};

class SpinBudgetTest : public testing::Test {
 protected:
  std::size_t spinners() const {
    std::size_t count = 0;
    for (const auto& client : clients) count += client->may_spin() ? 1 : 0;
    return count;
  }
  void ask(std::size_t index) { budget.on_request(clients[index]->seat, now_ns); }

  std::vector<std::unique_ptr<Client>> clients;
  SpinBudget budget{2, kSpinNs};
  std::uint64_t now_ns = 1'000'000'000;

  SpinBudgetTest() {
    for (int i = 0; i < 5; ++i) clients.push_back(std::make_unique<Client>());
  }
};

TEST_F(SpinBudgetTest, AClientThatWasNeverToldSpinsAsItLikes) {
  EXPECT_EQ(clients[0]->limit(), kOwnLimitNs);
}

TEST_F(SpinBudgetTest, ThereAreAsManySpinnersAsSeats) {
  for (std::size_t i = 0; i < clients.size(); ++i) ask(i);
  EXPECT_EQ(spinners(), 2U);
  EXPECT_EQ(clients[0]->limit(), kSpinNs);
  EXPECT_EQ(clients[4]->limit(), 0U);
}

TEST_F(SpinBudgetTest, NobodySitsWhereThereAreNoSeats) {
  SpinBudget none(0, kSpinNs);
  none.on_request(clients[0]->seat, now_ns);
  EXPECT_FALSE(clients[0]->may_spin());
}

TEST_F(SpinBudgetTest, ASilentClientLosesItsSeatToOneThatAsks) {
  for (std::size_t i = 0; i < 3; ++i) ask(i);
  now_ns += kMs;
  ask(1);
  ask(2);
  EXPECT_FALSE(clients[0]->may_spin());
  EXPECT_TRUE(clients[1]->may_spin());
  EXPECT_TRUE(clients[2]->may_spin());
}

TEST_F(SpinBudgetTest, ASilentClientKeepsASeatThatNobodyWants) {
  ask(0);
  now_ns += 1000 * kMs;
  EXPECT_TRUE(clients[0]->may_spin());
}

TEST_F(SpinBudgetTest, WhereAllAreBusyTheyTakeTurns) {
  std::vector<int> turns(clients.size());
  for (int step = 0; step < 1000; ++step) {
    now_ns += kMs / 2;
    for (std::size_t i = 0; i < clients.size(); ++i) ask(i);
    ASSERT_EQ(spinners(), 2U);
    for (std::size_t i = 0; i < clients.size(); ++i) turns[i] += clients[i]->may_spin() ? 1 : 0;
  }
  for (const int turn : turns) {
    EXPECT_GT(turn, 250) << "of 2000 in all";
    EXPECT_LT(turn, 550);
  }
}

TEST_F(SpinBudgetTest, ASeatIsKeptForAWhile) {
  for (int step = 0; step < 30; ++step) {
    for (std::size_t i = 0; i < clients.size(); ++i) ask(i);
    EXPECT_TRUE(clients[0]->may_spin());
    EXPECT_TRUE(clients[1]->may_spin());
    now_ns += kMs / 2;
  }
}

TEST_F(SpinBudgetTest, AClientThatIsGoneLeavesItsSeat) {
  for (std::size_t i = 0; i < 3; ++i) ask(i);
  clients.erase(clients.begin());
  now_ns += 1;
  budget.on_request(clients[1]->seat, now_ns);
  EXPECT_TRUE(clients[1]->may_spin());
  EXPECT_EQ(spinners(), 4U) << "two of them were never told anything";
}

TEST_F(SpinBudgetTest, ANewPriceReachesThoseThatSpin) {
  for (std::size_t i = 0; i < 3; ++i) ask(i);
  budget.set_spin_ns(70'000);
  EXPECT_EQ(clients[0]->limit(), 70'000U);
  EXPECT_EQ(clients[2]->limit(), 0U);
  budget.set_spin_ns(2 * kOwnLimitNs);
  EXPECT_EQ(clients[0]->limit(), kOwnLimitNs) << "the client's own limit holds";
}

}  // namespace
}  // namespace mcpwire::io::detail
