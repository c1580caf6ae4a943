// SPDX-License-Identifier: MIT
//
// with_member: one more member in a raw JSON object whose other bytes stay as they are.
// Threading: a pure function.
#pragma once

#include <string>
#include <string_view>

namespace mcpwire::io {

/// `object` (valid JSON, or empty for {}) with `"key":raw_value` in front. `key` needs no escapes
/// and is not in the object yet.
inline std::string with_member(std::string_view object, std::string_view key,
                               std::string_view raw_value) {
  if (object.empty()) object = "{}";
  const std::string_view rest = object.substr(object.find('{') + 1);
  std::string text;
  text.reserve(object.size() + key.size() + raw_value.size() + 8);
  text.append("{\"").append(key).append("\":").append(raw_value);
  const std::size_t next = rest.find_first_not_of(" \t\r\n");
  if (next != std::string_view::npos && rest[next] != '}') text += ',';
  return text.append(rest);
}

}  // namespace mcpwire::io
