// SPDX-License-Identifier: MIT
//
// Revision: the MCP revisions this server speaks, oldest first, so that "from ... on" is a
// comparison.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mcpwire::demo {

enum class Revision : std::uint8_t {
  k20241105,
  k20250326,
  k20250618,
  k20251125,
  k20260728,  ///< Modern: no handshake, _meta on every request.
};

inline constexpr Revision kNewestLegacy = Revision::k20251125;
inline constexpr Revision kModern = Revision::k20260728;

/// e.g. "2025-11-25".
std::string_view revision_name(Revision revision) noexcept;

/// The revision of that name among those that begin with `initialize`.
std::optional<Revision> find_legacy_revision(std::string_view name) noexcept;

}  // namespace mcpwire::demo
