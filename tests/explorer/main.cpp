// SPDX-License-Identifier: MIT
//
// explorer_test [--soak] [--replay=SCENARIO[@VARIANT]:DECISIONS] [GoogleTest's flags]
//   --soak    the larger programs as well (minutes)
//   --replay  runs one execution, prints its steps; exits with 1 if it shows a violation
#include "tests/explorer/access_list.hpp"
#include "tests/explorer/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

namespace mcpwire::explorer {

Depth explored_depth = Depth::kCi;

std::vector<Scenario> scenarios(Depth depth) {
  std::vector<Scenario> all;
  add_delivery(all, depth);
  add_parking(all, depth);
  add_retirement(all, depth);
  add_call_words(all, depth);
  return all;
}

std::optional<Scenario> scenario_named(std::string_view name) {
  for (Scenario& scenario : scenarios(Depth::kSoak)) {
    if (scenario.name == name) return std::move(scenario);
  }
  return std::nullopt;
}

static int replay(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, std::min(text.find('@'), colon));
  const std::string_view variant_name =
      name.size() < colon ? text.substr(name.size() + 1, colon - name.size() - 1) : "";
  const std::optional<Scenario> scenario = scenario_named(name);
  Options options;
  if (colon != std::string_view::npos) options.replay = text.substr(colon + 1);
  for (const Variant& variant : weakened_variants()) {
    if (variant.name != variant_name) continue;
    options.weakening = variant.weakening;
    options.doorbells = Doorbells::kReleaseAndAcquire;
  }
  if (!scenario || options.replay.empty() ||
      options.weakening.has_value() != !variant_name.empty()) {
    std::cerr << "no such scenario or variant, or no decisions: " << text << '\n';
    return 2;
  }
  const Report report = explore(*scenario->make(), options);
  std::cout << report.trace << (report.violation ? report.violation->message : "no violation")
            << '\n';
  return report.violation ? 1 : 0;
}

}  // namespace mcpwire::explorer

int main(int argc, char** argv) {
  constexpr std::string_view kReplay = "--replay=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(kReplay)) {
      return mcpwire::explorer::replay(argument.substr(kReplay.size()));
    }
    if (argument == "--soak") {
      mcpwire::explorer::explored_depth = mcpwire::explorer::Depth::kSoak;
    }
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
