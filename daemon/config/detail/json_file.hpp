// SPDX-License-Identifier: MIT
//
// The JSON of a configuration file: parsed, with the names that stand more than once. The only
// place where the JSON library is included.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <string_view>

namespace mcpwire::config::detail {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kServersKey = "mcpServers";

/// Names that stand more than once. The library keeps the last one silently; which one was meant is
/// for the author of the file to say.
struct Duplicates {
  bool servers_key = false;
  std::map<std::string, std::string, std::less<>> key_by_server;  ///< Empty key: the server itself.
};

struct JsonFile {
  Json root;
  Duplicates duplicates;
};

/// kConfigInvalid names `path`, line and column. Comments are taken, a NUL character is not.
Result<JsonFile> parse_json_file(std::string_view text, const std::string& path);

/// kConfiguration/kConfigInvalid with this text.
Failure invalid(std::string text);

}  // namespace mcpwire::config::detail
