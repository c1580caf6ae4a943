// SPDX-License-Identifier: MIT
//
// Looks into JSON of servers, of which nothing can be relied on: what is missing or of another type
// is null or empty.
//
// Threading: pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace mcpwire::cli {

/// Null where there is nothing of that name.
inline const nlohmann::ordered_json& member(const nlohmann::ordered_json& object, const char* key) {
  static const nlohmann::ordered_json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

inline std::string text_member(const nlohmann::ordered_json& object, const char* key) {
  const nlohmann::ordered_json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// On one line; bytes that are no UTF-8 are replaced.
inline std::string compact(const nlohmann::ordered_json& value) {
  using Json = nlohmann::ordered_json;
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mcpwire::cli
