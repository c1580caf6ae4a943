// SPDX-License-Identifier: MIT
#include "daemon/config/nearest_name.hpp"

#include "daemon/config/escape.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mcpwire::config {
namespace {

/// The cost is the product of both lengths; nobody misspells a longer name than this.
constexpr std::size_t kComparedBytesMax = 128;
constexpr std::size_t kNamesShownMax = 8;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Optimal string alignment distance, three rows of the matrix at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + substitution});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view wanted,
                                        std::span<const std::string> candidates) {
  if (wanted.empty() || wanted.size() > kComparedBytesMax) return std::nullopt;
  const std::string* nearest = nullptr;
  std::size_t nearest_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kComparedBytesMax) continue;
    const std::size_t distance = edit_distance(wanted, candidate);
    if (nearest == nullptr || distance < nearest_distance) {
      nearest = &candidate;
      nearest_distance = distance;
    }
  }
  if (nearest == nullptr) return std::nullopt;
  const std::size_t tolerated =
      std::max<std::size_t>(1, std::max(wanted.size(), nearest->size()) / 3);
  // One edit turns any name of one letter into any other.
  const bool related = nearest_distance < std::max(wanted.size(), nearest->size());
  return related && nearest_distance <= tolerated ? std::optional(*nearest) : std::nullopt;
}

std::string unknown_name_text(std::string_view what, std::string_view wanted,
                              std::span<const std::string> candidates) {
  const auto shown = [](std::string_view name) {
    return '\'' + escape_unprintable(name, LineBreaks::kEscape) + '\'';
  };
  std::string text = "unknown " + std::string(what) + ' ' + shown(wanted);
  if (const auto nearest = nearest_name(wanted, candidates)) {
    return text + "; did you mean " + shown(*nearest) + '?';
  }
  if (candidates.empty()) return text + "; there is none";
  text += "; there is ";
  const std::size_t count = std::min(candidates.size(), kNamesShownMax);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ", ";
    text += shown(candidates[i]);
  }
  if (candidates.size() > count) {
    text += " and " + std::to_string(candidates.size() - count) + " more";
  }
  return text;
}

}  // namespace mcpwire::config
