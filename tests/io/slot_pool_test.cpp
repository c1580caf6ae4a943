// SPDX-License-Identifier: MIT
#include "io/detail/slot_pool.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

namespace mcpwire::io::detail {
namespace {

constexpr std::size_t kBytes = 500;

TEST(SlotPoolTest, SlotsAreAlignedAndDoNotOverlap) {
  SlotPool pool(kBytes);
  std::vector<char*> slots;
  for (int i = 0; i < 300; ++i) {
    auto* const slot = static_cast<char*>(pool.try_take());
    ASSERT_NE(slot, nullptr);
    std::memset(slot, i % 128, kBytes);
    slots.push_back(slot);
  }
  EXPECT_GT(pool.chunks(), 1U);
  for (int i = 0; i < 300; ++i) {
    const char* const slot = slots[static_cast<std::size_t>(i)];
    EXPECT_EQ(std::bit_cast<std::uintptr_t>(slot) % SlotPool::kAlignment, 0U);
    EXPECT_EQ(slot[0], i % 128);
    EXPECT_EQ(slot[kBytes - 1], i % 128);
  }
  for (char* const slot : slots) SlotPool::give_back(slot);
}

TEST(SlotPoolTest, WhatIsGivenBackIsTakenAgainBeforeMoreIsMapped) {
  SlotPool pool(kBytes);
  std::vector<void*> slots;
  while (pool.chunks() < 3) slots.push_back(pool.try_take());
  std::set<void*> returned;
  // The last one is all that its chunk holds.
  for (std::size_t i = 0; i + 1 < slots.size(); i += 2) {
    SlotPool::give_back(slots[i]);
    returned.insert(slots[i]);
  }
  for (std::size_t i = 0; i + 1 < slots.size(); i += 2) slots[i] = pool.try_take();
  EXPECT_EQ(pool.chunks(), 3U);
  EXPECT_TRUE(returned.contains(slots[0]));
  for (void* const slot : slots) SlotPool::give_back(slot);
}

TEST(SlotPoolTest, AChunkGoesBackWithItsLastSlot) {
  SlotPool pool(kBytes);
  std::vector<void*> slots;
  while (pool.chunks() < 3) slots.push_back(pool.try_take());
  // In any order: here the even ones and then the odd ones.
  for (std::size_t i = 0; i < slots.size(); i += 2) SlotPool::give_back(slots[i]);
  for (std::size_t i = 1; i < slots.size(); i += 2) SlotPool::give_back(slots[i]);
  EXPECT_EQ(pool.chunks(), 0U);
}

TEST(SlotPoolTest, ObjectsAreDestroyedWithTheirPointer) {
  struct Counted {
    explicit Counted(int& destroyed) noexcept : count(destroyed) {}
    ~Counted() { ++count; }
    int& count;
  };
  SlotPool pool(sizeof(Counted));
  int destroyed = 0;
  {
    const SlotPool::Pointer<Counted> one = pool.try_make<Counted>(destroyed);
    ASSERT_NE(one, nullptr);
    EXPECT_EQ(pool.chunks(), 1U);
  }
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(pool.chunks(), 0U);
}

}  // namespace
}  // namespace mcpwire::io::detail
