// SPDX-License-Identifier: MIT
#include "protocol/mcp/revision.hpp"

#include "protocol/mcp/method.hpp"
#include "protocol/mcp/refusal.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace mcpwire::protocol::mcp {
namespace {

TEST(RevisionTest, NamesAreFoundAndNothingElseIs) {
  const std::vector<std::string_view> names = {"2024-11-05", "2025-03-26", "2025-06-18",
                                               "2025-11-25", "2026-07-28"};
  ASSERT_EQ(names.size(), kRevisionCount);
  for (std::size_t index = 0; index < names.size(); ++index) {
    const std::optional<Revision> found = find_revision(names[index]);
    ASSERT_TRUE(found.has_value()) << names[index];
    EXPECT_EQ(*found, kRevisions[index]);
    EXPECT_EQ(facts_of(*found).name, names[index]);
  }
  for (const std::string_view name :
       {"", "2024-10-07", "2025-11-2", "2025-11-255", "2026-07-29", "DRAFT-2026-v1", "draft"}) {
    EXPECT_FALSE(find_revision(name).has_value()) << name;
  }
}

TEST(RevisionTest, OnlyTheNewestIsModern) {
  for (const Revision revision : kRevisions) {
    EXPECT_EQ(is_modern(revision), revision == Revision::k2026_07_28);
  }
  EXPECT_EQ(facts_of(kNewestRevision).name, "2026-07-28");
  EXPECT_EQ(facts_of(kNewestLegacyRevision).name, "2025-11-25");
}

/// One member of RevisionFacts and the revisions that have it, by the specification's pages.
struct FactRow {
  std::string_view name;
  bool RevisionFacts::* fact;
  RevisionSet revisions;
};

TEST(RevisionTest, EachFactHoldsInItsRevisionsAndInNoOther) {
  using enum Revision;
  const std::vector<FactRow> rows = {
      {"batches", &RevisionFacts::has_batches, RevisionSet::only(k2025_03_26)},
      {"ping", &RevisionFacts::has_ping, RevisionSet::legacy()},
      {"server requests", &RevisionFacts::has_server_requests, RevisionSet::legacy()},
      {"input rounds", &RevisionFacts::has_input_rounds, RevisionSet::only(k2026_07_28)},
      {"result type", &RevisionFacts::has_result_type, RevisionSet::only(k2026_07_28)},
      {"cache hints", &RevisionFacts::has_cache_hints, RevisionSet::only(k2026_07_28)},
      {"core tasks", &RevisionFacts::has_core_tasks, RevisionSet::only(k2025_11_25)},
      {"url elicitation", &RevisionFacts::has_url_elicitation, RevisionSet::from(k2025_11_25)},
      {"sampling tools", &RevisionFacts::has_sampling_tools, RevisionSet::from(k2025_11_25)},
      {"streamable http", &RevisionFacts::has_streamable_http, RevisionSet::from(k2025_03_26)},
      {"version header", &RevisionFacts::wants_version_header, RevisionSet::from(k2025_06_18)},
      {"standard headers", &RevisionFacts::wants_standard_headers, RevisionSet::only(k2026_07_28)},
      {"sessions", &RevisionFacts::has_sessions, RevisionSet::between(k2025_03_26, k2025_11_25)},
      {"get stream", &RevisionFacts::has_get_stream,
       RevisionSet::between(k2025_03_26, k2025_11_25)},
      {"resumption", &RevisionFacts::has_resumption,
       RevisionSet::between(k2025_03_26, k2025_11_25)},
      {"priming event", &RevisionFacts::has_priming_event, RevisionSet::only(k2025_11_25)},
      {"disconnect cancels", &RevisionFacts::disconnect_cancels, RevisionSet::only(k2026_07_28)},
  };
  for (const FactRow& row : rows) {
    for (const Revision revision : kRevisions) {
      EXPECT_EQ(facts_of(revision).*row.fact, row.revisions.contains(revision))
          << row.name << " in " << facts_of(revision).name;
    }
  }
}

TEST(RevisionTest, FactsAndMethodsAgree) {
  for (const Revision revision : kRevisions) {
    const RevisionFacts& facts = facts_of(revision);
    EXPECT_EQ(has_method(revision, kPing), facts.has_ping);
    EXPECT_EQ(has_method(revision, kInitialize), facts.era == Era::kLegacy);
    EXPECT_EQ(has_method(revision, kDiscover), facts.era == Era::kModern);
    EXPECT_EQ(has_method(revision, "tasks/result"), facts.has_core_tasks);
  }
}

TEST(RevisionSetTest, HoldsWhatItWasMadeOf) {
  using enum Revision;
  EXPECT_TRUE(RevisionSet().empty());
  EXPECT_FALSE(RevisionSet().contains(k2024_11_05));
  const RevisionSet middle = RevisionSet::between(k2025_03_26, k2025_06_18);
  EXPECT_FALSE(middle.contains(k2024_11_05));
  EXPECT_TRUE(middle.contains(k2025_03_26));
  EXPECT_TRUE(middle.contains(k2025_06_18));
  EXPECT_FALSE(middle.contains(k2025_11_25));
  EXPECT_EQ(RevisionSet::legacy() | RevisionSet::only(k2026_07_28), RevisionSet::all());
}

TEST(RefusalTest, EachQuestionIsRefusedInItsOwnWords) {
  EXPECT_EQ(refusal_of("ping").result_json, "{}");
  EXPECT_EQ(refusal_of("roots/list").result_json, R"({"roots":[]})");
  EXPECT_EQ(refusal_of("elicitation/create").result_json, R"({"action":"decline"})");
  const Refusal sampling = refusal_of("sampling/createMessage");
  EXPECT_EQ(sampling.result_json, "");
  EXPECT_EQ(sampling.error_code, -1);
  EXPECT_EQ(sampling.error_message, "User rejected sampling request");
  for (const std::string_view method : {"tasks/get", "tools/call", "nonsense", ""}) {
    EXPECT_EQ(refusal_of(method).result_json, "") << method;
    EXPECT_EQ(refusal_of(method).error_code, -32601) << method;
  }
}

}  // namespace
}  // namespace mcpwire::protocol::mcp
