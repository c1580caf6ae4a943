// SPDX-License-Identifier: MIT
#include "tests/explorer/scenarios.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace mcpwire::explorer {

/// What GoogleTest prints for a parameter.
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

namespace {

class RingExplorationTest : public testing::TestWithParam<Scenario> {};

TEST_P(RingExplorationTest, HoldsInEveryExecution) {
  const std::unique_ptr<Program> program = GetParam().make();
  const Report report = explore(*program);
  std::cout << "explored " << report.states << " states in " << report.complete << " complete and "
            << report.pruned << " cut executions of at most " << report.steps_max
            << " steps; stale reads: " << report.stale_reads << '\n';
  if (report.violation) {
    ADD_FAILURE() << report.violation->message << '\n'
                  << report.trace << "again: explorer_test --replay=" << GetParam().name << ':'
                  << report.violation->replay;
  } else {
    EXPECT_GE(report.states, GetParam().states_min);
  }
}

INSTANTIATE_TEST_SUITE_P(, RingExplorationTest, testing::ValuesIn(scenarios(explored_depth)),
                         [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace mcpwire::explorer
