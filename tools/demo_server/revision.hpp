// SPDX-License-Identifier: MIT
//
// Revision: the MCP revisions this server speaks: all that protocol/mcp knows.
#pragma once

#include "protocol/mcp/revision.hpp"

#include <optional>
#include <string_view>

namespace mcpwire::demo {

using protocol::mcp::Revision;

inline constexpr Revision kNewestLegacy = protocol::mcp::kNewestLegacyRevision;
/// Modern: no handshake, _meta on every request.
inline constexpr Revision kModern = protocol::mcp::kNewestRevision;

inline std::string_view revision_name(Revision revision) noexcept {
  return protocol::mcp::facts_of(revision).name;
}

/// The revision of that name among those that begin with `initialize`.
inline std::optional<Revision> find_legacy_revision(std::string_view name) noexcept {
  const std::optional<Revision> found = protocol::mcp::find_revision(name);
  return found.has_value() && !protocol::mcp::is_modern(*found) ? found : std::nullopt;
}

}  // namespace mcpwire::demo
