// SPDX-License-Identifier: MIT
//
// The environment that a client tells the daemon: what MCP servers need to start (HOME, PATH ...)
// and what the configuration's text refers to as ${NAME} or ${NAME:-default}, the proxy's variables
// where it has a "url", nothing else, so that
// secrets the configuration does not use never leave the process.
//
// Threading: reads the process's environment; do not change that meanwhile.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::client {

inline constexpr std::size_t kConfigBytesMax = 4 * 1024 * 1024;

/// Names that `text` refers to as ${NAME} or ${NAME:-default}, each once, in order of appearance.
std::vector<std::string_view> referenced_variables(std::string_view text);

/// NAME=value, each ended by NUL: the always needed ones and those that `config_text` refers to, as
/// far as they are set in `environment` (as `environ`, null-terminated; null: empty).
/// kTooLarge over `bytes_max`: HELLO travels in one socket message.
Result<std::string> build_environment_block(std::string_view config_text,
                                            const char* const* environment, std::size_t bytes_max);

/// The configuration file and what identifies this version of it. kConfigMissing,
/// kConfigUnreadable, kTooLarge.
Result<FileContents> read_config(const std::string& path);

}  // namespace mcpwire::client
