// SPDX-License-Identifier: MIT
//
// Letters of ASCII, whatever the locale: names of headers, schemes and hosts are compared so.
// Threading: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace mcpwire {

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace mcpwire
