// SPDX-License-Identifier: MIT
#include "protocol/base/intrusive_list.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <vector>

namespace mcpwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Item : ListNode {
  explicit Item(int number) : number(number) {}
  int number;
};

std::vector<int> numbers_of(IntrusiveList<Item>& list) {
  std::vector<int> numbers;
  list.for_each([&](Item& item) { numbers.push_back(item.number); });
  return numbers;
}

TEST(IntrusiveListTest, KeepsTheOrderOfArrival) {
  Item one(1), two(2), three(3);
  IntrusiveList<Item> list;
  EXPECT_TRUE(list.empty());
  list.push_back(one);
  list.push_back(two);
  list.push_back(three);
  EXPECT_THAT(numbers_of(list), ElementsAre(1, 2, 3));
  EXPECT_EQ(list.pop_front(), &one);
  EXPECT_FALSE(one.is_linked());
  EXPECT_EQ(list.front(), &two);
}

TEST(IntrusiveListTest, WhoIsPushedToTheFrontComesFirst) {
  Item one(1), two(2);
  IntrusiveList<Item> list;
  list.push_front(one);
  list.push_front(two);
  EXPECT_THAT(numbers_of(list), ElementsAre(2, 1));
  two.unlink();
  EXPECT_EQ(list.pop_front(), &one);
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveListTest, AnEmptyListGivesNull) {
  IntrusiveList<Item> list;
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveListTest, AnElementLeavesFromTheMiddleAndOnDestruction) {
  IntrusiveList<Item> list;
  Item one(1), three(3);
  auto two = std::make_unique<Item>(2);
  std::optional<Item> four(std::in_place, 4);
  for (Item* item : {&one, two.get(), &three, &*four}) list.push_back(*item);
  two.reset();
  four.reset();
  EXPECT_THAT(numbers_of(list), ElementsAre(1, 3));
  one.unlink();
  one.unlink();
  EXPECT_THAT(numbers_of(list), ElementsAre(3));
}

TEST(IntrusiveListTest, ADestroyedListLetsItsElementsGo) {
  Item one(1), two(2);
  {
    IntrusiveList<Item> list;
    list.push_back(one);
    list.push_back(two);
  }
  EXPECT_FALSE(one.is_linked());
  EXPECT_FALSE(two.is_linked());
  IntrusiveList<Item> other;
  other.push_back(one);
  EXPECT_THAT(numbers_of(other), ElementsAre(1));
}

TEST(IntrusiveListTest, VisitorMayUnlinkOrDestroyWhatItIsGiven) {
  IntrusiveList<Item> list;
  std::vector<std::unique_ptr<Item>> items;
  for (int number = 0; number < 6; ++number) {
    list.push_back(*items.emplace_back(std::make_unique<Item>(number)));
  }
  list.for_each([&](Item& item) {
    if (item.number % 3 == 0) item.unlink();
    if (item.number % 3 == 1) items[static_cast<std::size_t>(item.number)].reset();
  });
  EXPECT_THAT(numbers_of(list), ElementsAre(2, 5));
}

TEST(IntrusiveListDeathTest, AnElementIsInOneListOnly) {
  Item one(1);
  IntrusiveList<Item> list;
  list.push_back(one);
  EXPECT_DEATH(list.push_back(one), "check failed");
}

}  // namespace
}  // namespace mcpwire
