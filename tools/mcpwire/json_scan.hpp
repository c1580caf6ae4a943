// SPDX-License-Identifier: MIT
//
// What a parser of whole values cannot tell about JSON text: where it nests too deeply, and what
// would be left of it if its numbers had values that fit a machine's.
//
// Threading: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::cli {

/// Byte of the first bracket that opens more than `depth_max` containers inside each other.
std::optional<std::size_t> find_too_deep(std::string_view text, std::size_t depth_max) noexcept;

/// `text` with each well-formed number replaced by 0 and spaces: every other byte stays in place.
std::string with_small_numbers(std::string_view text);

}  // namespace mcpwire::cli
