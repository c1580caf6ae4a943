// SPDX-License-Identifier: MIT
//
// Would the explorer notice? Every atomic access of the ring is weakened to every weaker order, and
// left out, and some scenario must then fail. What may be weaker stands in kHarmless, with its
// argument, and must then not fail.
#include "tests/explorer/access_list.hpp"
#include "tests/explorer/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>

namespace mcpwire::explorer {

/// What GoogleTest prints for a parameter.
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

namespace {

/// Weaker than they are, and right all the same.
const std::map<std::string, std::string>& harmless() {
  static const std::map<std::string, std::string> all = {
      {"Consumer_has_data_1_relaxed",
       "Whoever acts on it calls peek(), which loads the same word again: not an older value "
       "(coherence), and with acquire."},
      {"Producer_publish_1_relaxed",
       "The word is not the first of its group (a pad and its record, a batch): the consumer comes "
       "to it only through the first, which is stored behind it with seq_cst."},
      {"Producer_publish_2_relaxed", "As before: a later record of a batch."},
      {"Producer_unpark_1_left_out",
       "The word stays asleep for an epoch that the peer has rung for, or rings for once in vain; "
       "a doorbell in vain is allowed, and the next sleep has an epoch of its own."},
      {"Producer_peer_has_retired_1_relaxed",
       "Only the value counts; whoever asks for the position has looked at the word again behind "
       "its commit, with seq_cst."},
      {"Producer_peer_took_all_1_relaxed",
       "RETIRED was loaded before it, with acquire: the last position is known. Nothing is written "
       "into that ring any more."},
  };
  return all;
}

class WeakeningTest : public testing::TestWithParam<Variant> {};

TEST_P(WeakeningTest, IsNoticed) {
  const Variant& variant = GetParam();
  std::string noticed_by;
  for (const Scenario& scenario : scenarios(Depth::kQuick)) {
    const std::unique_ptr<Program> program = scenario.make();
    const Report report = explore(
        *program, {.weakening = variant.weakening, .doorbells = Doorbells::kReleaseAndAcquire});
    if (!report.violation) continue;
    noticed_by = scenario.name;
    std::cout << variant.access.file << ':' << variant.access.line << ' ' << variant.name << ": "
              << scenario.name << ", after " << report.states
              << " states: " << report.violation->message << "\n--replay=" << scenario.name << '@'
              << variant.name << ':' << report.violation->replay << '\n';
    break;
  }
  EXPECT_EQ(noticed_by.empty(), harmless().contains(variant.name))
      << (noticed_by.empty() ? "nothing fails" : "no longer harmless: " + noticed_by);
}

TEST(AccessListTest, EveryAccessIsReadFromTheSourcesAndCarriedOut) {
  const std::vector<Access> accesses = atomic_accesses();
  std::vector<Site> sites;
  for (const Scenario& scenario : scenarios(Depth::kQuick)) {
    explore(*scenario.make(), {.sites = &sites});
  }
  for (const Access& access : accesses) {
    const auto is_it = [&](const Site& site) {
      return site.file.ends_with(access.file) && site.line >= access.line_first &&
             site.line <= access.line && site.order == access.order &&
             site.is_load == access.is_load;
    };
    EXPECT_EQ(std::ranges::count_if(sites, is_it), 1)
        << access.file << ':' << access.line << ' ' << access.name << ": no scenario comes here";
  }
  EXPECT_EQ(sites.size(), accesses.size()) << "accesses that are not read from the sources";
}

TEST(AccessListTest, EveryAccessWithASyncNameHasItsWeakenedVariants) {
  const std::vector<Variant> variants = weakened_variants();
  std::size_t annotated = 0;
  for (const Access& access : atomic_accesses()) {
    annotated += access.is_annotated ? 1 : 0;
    EXPECT_EQ(access.is_annotated, access.order != std::memory_order_relaxed) << access.name;
    const auto of_it = std::ranges::count_if(
        variants, [&](const Variant& variant) { return variant.access.name == access.name; });
    EXPECT_EQ(of_it, access.order == std::memory_order_seq_cst   ? 3
                     : access.order == std::memory_order_relaxed ? 1
                                                                 : 2)
        << access.name;
  }
  EXPECT_EQ(annotated, sync_comments()) << "a SYNC name without an access";
}

TEST(AccessListTest, NoFileOfTheRingIsForgotten) {
  // Words that nothing else is ordered by: any value at any time is right.
  const std::map<std::string, std::string> without_order = {
      {"ring/spin_leave.hpp", "advice how long to spin, one relaxed word"},
  };
  for (const std::string& file : files_not_explored()) {
    EXPECT_TRUE(without_order.contains(file))
        << file
        << " shares words with the peer and is not explored: compile it here, write a scenario";
  }
}

TEST(AccessListTest, WhatIsHarmlessExists) {
  for (const auto& [name, reason] : harmless()) {
    const auto variants = weakened_variants();
    EXPECT_TRUE(std::ranges::any_of(variants, [&](const Variant& variant) {
      return variant.name == name;
    })) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(, WeakeningTest, testing::ValuesIn(weakened_variants()),
                         [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace mcpwire::explorer
