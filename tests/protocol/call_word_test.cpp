// SPDX-License-Identifier: MIT
#include "protocol/call_word.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <set>

namespace mcpwire::protocol {
namespace {

TEST(CallWordTest, TellsTheStateOfItsOwnCall) {
  for (const std::uint64_t correlation : {std::uint64_t{1}, std::uint64_t{300}, kCorrelationMax}) {
    for (int state = 0; state <= static_cast<int>(CallState::kDone); ++state) {
      const auto expected = static_cast<CallState>(state);
      EXPECT_EQ(call_state_of(make_call_word(correlation, expected), correlation), expected);
    }
  }
}

TEST(CallWordTest, TellsNothingOfAnotherCallInTheSameSlot) {
  const std::uint64_t word = make_call_word(5, CallState::kSent);
  EXPECT_EQ(call_word_index(5), call_word_index(5 + kCallWindow));
  EXPECT_EQ(call_state_of(word, 5 + kCallWindow), CallState::kNone);
}

TEST(CallWordTest, AnUnknownStateCountsAsNotSeen) {
  EXPECT_EQ(call_state_of(make_revoked_word(5), 5), CallState::kNone);
  EXPECT_EQ(call_state_of(make_call_word(5, CallState::kDone) + 1, 5), CallState::kNone);
}

TEST(CallWordTest, NeighboursInTheWindowHaveSlotsOfTheirOwn) {
  std::set<std::size_t> slots;
  for (std::uint64_t correlation = 1000; correlation < 1000 + kCallWindow; ++correlation) {
    slots.insert(call_word_index(correlation));
  }
  EXPECT_EQ(slots.size(), kCallWindow);
  EXPECT_LT(*slots.rbegin(), kCallWindow);
}

TEST(CallWordTest, FromSendingOnACallMayHaveReachedItsServer) {
  EXPECT_FALSE(may_have_been_sent(CallState::kNone));
  EXPECT_FALSE(may_have_been_sent(CallState::kClaimed));
  EXPECT_TRUE(may_have_been_sent(CallState::kSending));
  EXPECT_TRUE(may_have_been_sent(CallState::kSent));
  EXPECT_TRUE(may_have_been_sent(CallState::kDone));
}

}  // namespace
}  // namespace mcpwire::protocol
