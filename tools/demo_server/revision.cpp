// SPDX-License-Identifier: MIT
#include "tools/demo_server/revision.hpp"

#include <array>
#include <cstddef>

namespace mcpwire::demo {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"2024-11-05", "2025-03-26", "2025-06-18",
                                                    "2025-11-25", "2026-07-28"};

}  // namespace

std::string_view revision_name(Revision revision) noexcept {
  return kNames[static_cast<std::size_t>(revision)];
}

std::optional<Revision> find_legacy_revision(std::string_view name) noexcept {
  for (std::size_t index = 0; index <= static_cast<std::size_t>(kNewestLegacy); ++index) {
    if (kNames[index] == name) return static_cast<Revision>(index);
  }
  return std::nullopt;
}

}  // namespace mcpwire::demo
