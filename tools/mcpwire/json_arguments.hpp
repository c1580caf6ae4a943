// SPDX-License-Identifier: MIT
//
// A call's arguments: where they come from and whether they are what a server can take, checked
// before anything is sent.
//
// Threading: reads standard input, so it blocks.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::cli {

/// Succeeds if `text` is one JSON object. kMalformedJson with line, column, the reason and the line
/// with a caret under the place; kArgumentsNotObject for other JSON.
Result<void> check_arguments(std::string_view text);

/// `given` (the command line's) or standard input: where `given` is "-", or absent and standard
/// input is no terminal. Checked by check_arguments(). Nothing at all becomes an empty object, but
/// not where "-" asked for standard input: what should have written there has failed.
/// `deadline_ns` (CLOCK_MONOTONIC): how long standard input is waited for; kTimeout.
Result<std::string> read_arguments(const std::optional<std::string>& given,
                                   std::uint64_t deadline_ns = kNever);

/// Everything up to the end of `fd`. kTooLarge over `bytes_max`, kTimeout at the deadline.
Result<std::string> read_to_end(int fd, std::size_t bytes_max, std::uint64_t deadline_ns = kNever);

}  // namespace mcpwire::cli
