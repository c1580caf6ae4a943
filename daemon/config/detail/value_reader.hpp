// SPDX-License-Identifier: MIT
//
// Values of one JSON object under their keys: of the wanted type, or a fault that names the key and
// shows nothing of the value.
//
// Threading: pure functions.
#pragma once

#include "daemon/config/detail/json_file.hpp"
#include "daemon/config/limits.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::config::detail {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// Each gives an empty or zero value where the key is missing.
Result<bool> read_flag(const Json& object, const char* key);
Result<std::string> read_text(const Json& object, const char* key);
Result<std::vector<std::string>> read_texts(const Json& object, const char* key);
/// An object of strings, in file order.
Result<NamedTexts> read_named_texts(const Json& object, const char* key);
/// Nanoseconds, from a number of seconds or a text as "30s".
Result<std::uint64_t> read_duration(const Json& object, const char* key);
Result<Limits> read_limits(const Json& object, const char* key);

}  // namespace mcpwire::config::detail
