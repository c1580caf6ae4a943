// SPDX-License-Identifier: MIT
//
// read_server: one server of a configuration file, from JSON to ServerConfig. Faults are texts
// without the file's and the server's name, and without a value.
//
// Threading: pure functions.
#pragma once

#include "daemon/config/detail/json_file.hpp"
#include "daemon/config/server_config.hpp"

#include <optional>
#include <string>

namespace mcpwire::config::detail {

/// Nothing where the server is disabled.
Result<std::optional<ServerConfig>> read_server(const std::string& name, const Json& object,
                                                const Duplicates& duplicates);

}  // namespace mcpwire::config::detail
