// SPDX-License-Identifier: MIT
//
// The programs that the ring is explored with. Each is small, says in its name what it is about,
// and together they come to every atomic access of the ring and of the call words
// (weakening_test.cpp holds them to that).
#pragma once

#include "tests/explorer/explorer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::explorer {

/// How far exploring goes: again for each weakened access, once in CI, or in make soak.
enum class Depth : std::uint8_t { kQuick, kCi, kSoak };

struct Scenario {
  std::string name;
  std::function<std::unique_ptr<Program>()> make;
  std::uint64_t states_min;  ///< Fewer mean that the explorer, or the program, does not run.
};

std::vector<Scenario> scenarios(Depth depth);
/// Of the soak set; nothing if there is none of that name.
std::optional<Scenario> scenario_named(std::string_view name);

/// What RingExplorationTest runs; main() raises it.
extern Depth explored_depth;

// By file; scenarios() puts them together.
void add_delivery(std::vector<Scenario>& all, Depth depth);
void add_parking(std::vector<Scenario>& all, Depth depth);
void add_retirement(std::vector<Scenario>& all, Depth depth);
void add_call_words(std::vector<Scenario>& all, Depth depth);

}  // namespace mcpwire::explorer
