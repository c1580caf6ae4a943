// SPDX-License-Identifier: MIT
#include "bench/peers/plan.hpp"

#include <gtest/gtest.h>

namespace mcpwire::peers {
namespace {

bool same_cell(const Lane& a, const Lane& b) {
  return a.question == b.question && a.options.placement == b.options.placement &&
         a.options.setup.payload_bytes == b.options.setup.payload_bytes;
}

TEST(PeersPlanTest, EveryCellStartsWithTheRingAndEndsWithItAgain) {
  const std::vector<Lane> plan = make_plan(own_entrants(), Budget{});
  ASSERT_FALSE(plan.empty());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (i == 0 || !same_cell(plan[i - 1], plan[i])) {
      EXPECT_EQ(plan[i].entrant.part, Part::kMcpwire);
    }
    if (i + 1 == plan.size() || !same_cell(plan[i], plan[i + 1])) {
      EXPECT_EQ(plan[i].entrant.part, Part::kControl);
    }
  }
}

TEST(PeersPlanTest, OnlyRoundTripsWithGapHaveOneAndNobodySpinsThroughIt) {
  for (const Lane& lane : make_plan(own_entrants(), Budget{})) {
    const bool gap = lane.question == Question::kRoundTripsWithGap;
    EXPECT_EQ(lane.options.gap_ns != 0, gap);
    EXPECT_FALSE(gap && lane.entrant.waiting == Waiting::kSpinning) << lane.entrant.name;
    EXPECT_EQ(lane.options.setup.traffic == Traffic::kStream, lane.question == Question::kStream);
  }
}

}  // namespace
}  // namespace mcpwire::peers
