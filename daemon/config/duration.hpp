// SPDX-License-Identifier: MIT
//
// Durations as people write them: "5s", "500ms", "2m", "1.5h", or a plain number of seconds.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::config {

/// Longest duration that is taken. A larger one is nearly always milliseconds without a unit.
inline constexpr std::uint64_t kDurationSecondsMax = 24 * 60 * 60;

/// Nanoseconds, from 1 to 24 hours. ErrorKind::kInvalid with a text that says what is accepted.
Result<std::uint64_t> parse_duration(std::string_view text);

/// The same for a number of seconds.
Result<std::uint64_t> duration_of_seconds(double seconds);

/// Three significant digits and a unit that fits: "850 ns", "12.3 us", "4.56 ms", "1.20 s".
std::string format_duration(std::uint64_t ns);

}  // namespace mcpwire::config
