// SPDX-License-Identifier: MIT
//
// Revision: the released revisions of MCP and what each allows, needs and forbids.
// The one decision: nobody else spells a revision or asks "is it modern?" by other means; what a
// revision changes is a member here, and scripts/check_revisions.py looks for what bypasses it.
//
// Vocabulary of the specification: a *legacy* revision begins with `initialize`; a *modern* one
// carries its version in every request's `_meta`.
//
// Threading: constants and pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mcpwire::protocol::mcp {

/// Oldest first: "from that revision on" is a comparison.
enum class Revision : std::uint8_t {
  k2024_11_05,
  k2025_03_26,
  k2025_06_18,
  k2025_11_25,
  k2026_07_28,
};

inline constexpr std::size_t kRevisionCount = 5;
inline constexpr std::array<Revision, kRevisionCount> kRevisions = {
    Revision::k2024_11_05, Revision::k2025_03_26, Revision::k2025_06_18, Revision::k2025_11_25,
    Revision::k2026_07_28};
inline constexpr Revision kNewestRevision = Revision::k2026_07_28;
inline constexpr Revision kNewestLegacyRevision = Revision::k2025_11_25;

enum class Era : std::uint8_t { kLegacy, kModern };

struct RevisionFacts {
  std::string_view name;  ///< As it goes over the wire.
  Era era;

  // The conversation.
  bool has_batches;          ///< JSON-RPC arrays may arrive and must be understood.
  bool has_ping;             ///< Both sides may send `ping` and must answer it.
  bool has_server_requests;  ///< The server may send requests of its own.
  bool has_input_rounds;     ///< A result may be `input_required`; the request is then repeated.
  bool has_result_type;      ///< Results say of which kind they are; absent means "complete".
  bool has_cache_hints;      ///< `ttlMs` and `cacheScope` on lists and reads.
  bool has_core_tasks;       ///< `tasks/*` of the core, not those of the extension.
  bool has_url_elicitation;  ///< Elicitation by a page that the user opens.
  bool has_sampling_tools;   ///< Sampling may bring tools along.

  // HTTP.
  bool has_streamable_http;     ///< Else HTTP+SSE: a GET stream and an endpoint for POST.
  bool wants_version_header;    ///< `MCP-Protocol-Version`, after the handshake if there is one.
  bool wants_standard_headers;  ///< `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`.
  bool has_sessions;            ///< `Mcp-Session-Id`, and DELETE at the end.
  bool has_get_stream;          ///< A stream for what the server says unasked.
  bool has_resumption;          ///< Event ids; a broken stream goes on at `Last-Event-ID`.
  bool has_priming_event;       ///< The server may end a stream after an id; poll after `retry`.
  bool disconnect_cancels;      ///< Closing the response stream takes the request back.
};

/// Never fails: every Revision has a row.
const RevisionFacts& facts_of(Revision revision) noexcept;

/// The revision of that wire name; nothing for one that mcpwire does not speak.
std::optional<Revision> find_revision(std::string_view name) noexcept;

inline bool is_modern(Revision revision) noexcept { return facts_of(revision).era == Era::kModern; }

/// Some revisions, as bits.
class RevisionSet {
 public:
  constexpr RevisionSet() noexcept = default;

  static constexpr RevisionSet between(Revision first, Revision last) noexcept {
    RevisionSet set;
    for (const Revision revision : kRevisions) {
      if (revision >= first && revision <= last) set.bits_ |= bit(revision);
    }
    return set;
  }
  static constexpr RevisionSet from(Revision first) noexcept {
    return between(first, kNewestRevision);
  }
  static constexpr RevisionSet only(Revision revision) noexcept {
    return between(revision, revision);
  }
  static constexpr RevisionSet all() noexcept { return from(kRevisions.front()); }
  static constexpr RevisionSet legacy() noexcept {
    return between(kRevisions.front(), kNewestLegacyRevision);
  }

  constexpr bool contains(Revision revision) const noexcept { return (bits_ & bit(revision)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  friend constexpr RevisionSet operator|(RevisionSet a, RevisionSet b) noexcept {
    a.bits_ = static_cast<std::uint8_t>(a.bits_ | b.bits_);
    return a;
  }
  friend constexpr bool operator==(RevisionSet, RevisionSet) noexcept = default;

 private:
  static constexpr std::uint8_t bit(Revision revision) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(revision));
  }
  std::uint8_t bits_ = 0;
};

}  // namespace mcpwire::protocol::mcp
