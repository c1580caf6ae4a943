// SPDX-License-Identifier: MIT
#include "protocol/mcp/revision.hpp"

namespace mcpwire::protocol::mcp {
namespace {

constexpr RevisionFacts kFirst = {
    .name = "2024-11-05",
    .era = Era::kLegacy,
    .has_batches = false,
    .has_ping = true,
    .has_server_requests = true,
    .has_input_rounds = false,
    .has_result_type = false,
    .has_cache_hints = false,
    .has_core_tasks = false,
    .has_url_elicitation = false,
    .has_sampling_tools = false,
    .has_streamable_http = false,
    .wants_version_header = false,
    .wants_standard_headers = false,
    .has_sessions = false,
    .has_get_stream = false,
    .has_resumption = false,
    .has_priming_event = false,
    .disconnect_cancels = false,
};

// Each row says what it changed in the one before.
constexpr RevisionFacts kStreamable = [] {
  RevisionFacts facts = kFirst;
  facts.name = "2025-03-26";
  facts.has_batches = true;
  facts.has_streamable_http = true;
  facts.has_sessions = true;
  facts.has_get_stream = true;
  facts.has_resumption = true;
  return facts;
}();

constexpr RevisionFacts kVersionHeader = [] {
  RevisionFacts facts = kStreamable;
  facts.name = "2025-06-18";
  facts.has_batches = false;
  facts.wants_version_header = true;
  return facts;
}();

constexpr RevisionFacts kPolling = [] {
  RevisionFacts facts = kVersionHeader;
  facts.name = "2025-11-25";
  facts.has_core_tasks = true;
  facts.has_url_elicitation = true;
  facts.has_sampling_tools = true;
  facts.has_priming_event = true;
  return facts;
}();

constexpr RevisionFacts kStateless = [] {
  RevisionFacts facts = kPolling;
  facts.name = "2026-07-28";
  facts.era = Era::kModern;
  facts.has_ping = false;
  facts.has_server_requests = false;
  facts.has_input_rounds = true;
  facts.has_result_type = true;
  facts.has_cache_hints = true;
  facts.has_core_tasks = false;
  facts.wants_standard_headers = true;
  facts.has_sessions = false;
  facts.has_get_stream = false;
  facts.has_resumption = false;
  facts.has_priming_event = false;
  facts.disconnect_cancels = true;
  return facts;
}();

constexpr std::array<RevisionFacts, kRevisionCount> kTable = {kFirst, kStreamable, kVersionHeader,
                                                              kPolling, kStateless};

// Names order as their dates do, and the two constants of the header mean what they say.
static_assert([] {
  for (std::size_t index = 1; index < kTable.size(); ++index) {
    if (kTable[index - 1].name >= kTable[index].name) return false;
    if (kTable[index - 1].era > kTable[index].era) return false;
  }
  return true;
}());
static_assert(kTable[static_cast<std::size_t>(kNewestLegacyRevision)].era == Era::kLegacy);
static_assert(kTable[static_cast<std::size_t>(kNewestLegacyRevision) + 1].era == Era::kModern);

}  // namespace

const RevisionFacts& facts_of(Revision revision) noexcept {
  return kTable[static_cast<std::size_t>(revision)];
}

std::optional<Revision> find_revision(std::string_view name) noexcept {
  for (const Revision revision : kRevisions) {
    if (facts_of(revision).name == name) return revision;
  }
  return std::nullopt;
}

}  // namespace mcpwire::protocol::mcp
