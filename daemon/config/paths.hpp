// SPDX-License-Identifier: MIT
//
// Paths as text: joining and tidying without looking at a disk.
//
// Threading: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mcpwire::config {

/// Environment variables by name.
using EnvironmentMap = std::map<std::string, std::string, std::less<>>;

/// The value, or an empty text where the variable is not set.
std::string_view variable(const EnvironmentMap& environment, std::string_view name) noexcept;

/// From NAME=value entries, each ended by NUL, as a client tells them to the daemon.
EnvironmentMap parse_environment_block(std::string_view block);

/// `path` seen from `base` (absolute), without ".", ".." and doubled slashes. "..": by name, as a
/// person reads it; links are not followed.
std::string absolute_path(std::string_view base, std::string_view path);

/// Everything before the last slash; "/" for a file in the root directory.
std::string directory_of(std::string_view absolute_path);

/// $`variable_name`, if it is an absolute path, else `fallback` below $HOME. Empty without a home.
std::string base_directory(const EnvironmentMap& environment, std::string_view variable_name,
                           std::string_view fallback);

}  // namespace mcpwire::config
