// SPDX-License-Identifier: MIT
//
// The name somebody probably meant, for "unknown server 'x'; did you mean 'y'?".
//
// Threading: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mcpwire::config {

/// The candidate with the smallest edit distance to `wanted` (letters of either case count as the
/// same, two swapped neighbours as one edit), the first of equals; nothing where even that one
/// differs in more than a third of the letters.
std::optional<std::string> nearest_name(std::string_view wanted,
                                        std::span<const std::string> candidates);

/// One line: "unknown <what> '<wanted>'", and what there is instead.
std::string unknown_name_text(std::string_view what, std::string_view wanted,
                              std::span<const std::string> candidates);

}  // namespace mcpwire::config
