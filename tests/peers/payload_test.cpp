// SPDX-License-Identifier: MIT
#include "bench/peers/payload.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mcpwire::peers {
namespace {

constexpr std::uint64_t kSummed = kComparedMessages + 1;

std::vector<std::byte> payload(std::uint64_t sequence, std::size_t bytes = 64) {
  std::vector<std::byte> made(bytes);
  write_payload(made, sequence);
  return made;
}

TEST(PeersPayloadTest, WhatWasWrittenIsRight) {
  for (const std::size_t bytes : {16u, 32u, 64u, 1024u, 65536u}) {
    for (const std::uint64_t sequence : {std::uint64_t{1}, kSummed, kSummed | kAnswerBit}) {
      EXPECT_EQ(judge_payload(payload(sequence, bytes), sequence), Verdict::kRight);
    }
  }
}

TEST(PeersPayloadTest, AnyChangedByteIsWrong) {
  for (const std::uint64_t sequence : {std::uint64_t{1}, kSummed}) {
    for (std::size_t at = 0; at < 64; ++at) {
      std::vector<std::byte> changed = payload(sequence);
      changed[at] ^= std::byte{0x10};
      EXPECT_EQ(judge_payload(changed, sequence), Verdict::kWrong) << at;
    }
  }
}

TEST(PeersPayloadTest, FirstMessagesAreComparedWordForWord) {
  std::vector<std::byte> swapped = payload(1);
  std::swap_ranges(swapped.begin() + 8, swapped.begin() + 16, swapped.begin() + 16);
  EXPECT_EQ(judge_payload(swapped, 1), Verdict::kWrong) << "a sum alone would not see it";
}

TEST(PeersPayloadTest, AnEarlierMessageIsWrongAndTheStopIsNot) {
  EXPECT_EQ(judge_payload(payload(kSummed), kSummed + 1), Verdict::kWrong);
  EXPECT_EQ(judge_payload(payload(kStop), kSummed), Verdict::kStop);
  EXPECT_EQ(judge_payload(payload(kStop | kAnswerBit), kStop | kAnswerBit), Verdict::kRight);
}

}  // namespace
}  // namespace mcpwire::peers
