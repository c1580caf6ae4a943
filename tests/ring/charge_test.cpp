// SPDX-License-Identifier: MIT
#include "ring/charge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::ring {
namespace {

constexpr std::uint64_t kWhole = 1000;

ResourceAmounts limits() {
  ResourceAmounts amounts;
  amounts.fill(kWhole);
  return amounts;
}

std::uint64_t take_all(QuotaAccount& account, Resource resource) {
  while (account.try_take(resource, 1)) {
  }
  return account.held(resource);
}

TEST(ChargeTest, AloneAnAccountCanTakeHalf) {
  Quota quota(limits());
  QuotaAccount account(quota);
  EXPECT_EQ(take_all(account, Resource::kBytes), kWhole / 2);
  EXPECT_EQ(quota.held(Resource::kBytes), account.held(Resource::kBytes));
  EXPECT_EQ(quota.held(Resource::kCalls), 0U);
  EXPECT_EQ(quota.refusals(), 1U);
  account.give_back(Resource::kBytes, account.held(Resource::kBytes));
}

TEST(ChargeTest, WhoeverComesAfterAGreedyOneFindsAShare) {
  Quota quota(limits());
  QuotaAccount greedy(quota);
  take_all(greedy, Resource::kDescriptors);
  QuotaAccount modest(quota);
  const std::uint64_t share = take_all(modest, Resource::kDescriptors);
  EXPECT_GE(share, kWhole / 8);
  EXPECT_FALSE(greedy.try_take(Resource::kDescriptors, 1));
  greedy.give_back(Resource::kDescriptors, greedy.held(Resource::kDescriptors));
  modest.give_back(Resource::kDescriptors, share);
}

TEST(ChargeTest, EqualAccountsTakeHalfTogether) {
  for (const std::size_t count : {2U, 5U, 20U}) {
    Quota quota(limits());
    std::vector<std::unique_ptr<QuotaAccount>> accounts;
    for (std::size_t i = 0; i < count; ++i) {
      accounts.push_back(std::make_unique<QuotaAccount>(quota));
    }
    for (bool any = true; any;) {
      any = false;
      for (auto& account : accounts) any = account->try_take(Resource::kCalls, 1) || any;
    }
    EXPECT_NEAR(static_cast<double>(quota.held(Resource::kCalls)), kWhole / 2.0,
                2.0 * static_cast<double>(count));
    for (auto& account : accounts) {
      EXPECT_GE(account->held(Resource::kCalls), kWhole / 2 / count - 2);
      account->give_back(Resource::kCalls, account->held(Resource::kCalls));
    }
  }
}

// Not only what is held counts for each: one large charge must leave as much for all others.
TEST(ChargeTest, OneLargeChargeLeavesAsMuchForEachOther) {
  Quota quota(limits());
  QuotaAccount account(quota);
  QuotaAccount second(quota);
  QuotaAccount third(quota);
  EXPECT_FALSE(account.try_take(Resource::kBytes, kWhole / 4 + 1));
  EXPECT_TRUE(account.try_take(Resource::kBytes, kWhole / 4));
  account.give_back(Resource::kBytes, account.held(Resource::kBytes));
}

TEST(ChargeTest, NoAmountOverflowsTheRule) {
  Quota quota(limits());
  QuotaAccount account(quota);
  QuotaAccount other(quota);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t amount : {kMost, kMost / 2, kMost / 3 + 1, kMost - 1, kWhole + 1}) {
    EXPECT_FALSE(account.try_take(Resource::kBytes, amount)) << amount;
  }
  EXPECT_EQ(quota.held(Resource::kBytes), 0U);
}

TEST(ChargeTest, WhatCannotBeRefusedCountsAgainstWhatComesAfter) {
  Quota quota(limits());
  QuotaAccount account(quota);
  Charge charge(account, Resource::kBytes);
  charge.set(3 * kWhole);
  EXPECT_FALSE(account.try_take(Resource::kBytes, 1));
  charge.set(0);
  EXPECT_TRUE(charge.try_set(1));
}

TEST(ChargeTest, AChargeIsGivenBackOnceHoweverItMoves) {
  Quota quota(limits());
  QuotaAccount account(quota);
  QuotaAccount other(quota);
  {
    Charge first(account, Resource::kBytes);
    ASSERT_TRUE(first.try_set(10));
    EXPECT_FALSE(first.try_set(kWhole));
    EXPECT_EQ(first.amount(), 10U);
    Charge second(std::move(first));
    EXPECT_EQ(account.held(Resource::kBytes), 10U);
    Charge third(other, Resource::kBytes);
    ASSERT_TRUE(third.try_set(5));
    third = std::move(second);
    third.release();
    EXPECT_EQ(account.held(Resource::kBytes), 0U);
    EXPECT_EQ(other.held(Resource::kBytes), 0U);
  }
  EXPECT_EQ(quota.held(Resource::kBytes), 0U);
}

TEST(ChargeTest, RandomChargesAddUpAndEndAtNothing) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Quota quota(limits());
  {
    std::vector<std::unique_ptr<QuotaAccount>> accounts;
    for (int i = 0; i < 7; ++i) accounts.push_back(std::make_unique<QuotaAccount>(quota));
    std::vector<Charge> charges;
    for (int step = 0; step < 20'000; ++step) {
      if (charges.size() < 50) {
        charges.emplace_back(*accounts[random() % 7], static_cast<Resource>(random() % kResources));
      }
      Charge& charge = charges[random() % charges.size()];
      const std::uint64_t wanted = random() % 100;
      if (charge.try_set(wanted)) {
        ASSERT_EQ(charge.amount(), wanted);
      }
      if (random() % 10 == 0) std::swap(charges[random() % charges.size()], charges.back());
      if (random() % 20 == 0) charges.pop_back();
      if (charges.empty()) continue;
      for (std::size_t i = 0; i < kResources; ++i) {
        const auto resource = static_cast<Resource>(i);
        std::uint64_t sum = 0;
        for (const auto& account : accounts) sum += account->held(resource);
        ASSERT_EQ(sum, quota.held(resource));
        ASSERT_LE(sum, kWhole);
      }
    }
  }
  for (std::size_t i = 0; i < kResources; ++i) {
    EXPECT_EQ(quota.held(static_cast<Resource>(i)), 0U);
  }
}

TEST(ChargeDeathTest, AnAccountThatGoesWithoutHavingGivenBackIsABug) {
  EXPECT_DEATH(
      {
        Quota quota(limits());
        QuotaAccount account(quota);
        static_cast<void>(account.try_take(Resource::kCalls, 1));
      },
      "");
}

}  // namespace
}  // namespace mcpwire::ring
