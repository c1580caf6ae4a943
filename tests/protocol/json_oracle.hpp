// SPDX-License-Identifier: MIT
//
// A second opinion on JSON: nlohmann-json, after taking out the two points on which we differ on
// purpose. It refuses lone surrogate escapes and numbers beyond a double; we pass both through.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json::test {

/// `text` with the hex digits of \uXXXX and the digits of exponents made harmless. Valid text stays
/// valid and invalid text invalid.
inline std::string harmless(std::string_view text) {
  std::string copy(text);
  bool in_string = false;
  for (std::size_t at = 0; at < copy.size(); ++at) {
    if (copy[at] == '"') in_string = !in_string;
    if (in_string && copy[at] == '\\') {
      const std::string_view digits = std::string_view(copy).substr(at + 1, 5);
      const bool is_unicode = digits.size() == 5 && digits[0] == 'u' &&
                              digits.find_first_not_of("0123456789abcdefABCDEF", 1) == digits.npos;
      if (is_unicode) copy.replace(at + 2, 4, "0041");
      ++at;
    } else if (!in_string && (copy[at] == 'e' || copy[at] == 'E')) {
      std::size_t digit = at + 1;
      if (digit < copy.size() && (copy[digit] == '+' || copy[digit] == '-')) ++digit;
      // "1e+999" becomes "1e1"; an exponent without digits stays as wrong as it is.
      std::size_t end = digit;
      while (end < copy.size() && copy[end] >= '0' && copy[end] <= '9') ++end;
      if (end > digit) copy.replace(at + 1, end - at - 1, "1");
    }
  }
  return copy;
}

/// Deepest nesting of brackets outside strings; meaningful for valid text only.
inline std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') in_string = !in_string;
    if (in_string) {
      at += c == '\\' ? 1 : 0;
      continue;
    }
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return deepest;
}

/// The oracle's verdict; nothing where its own limits would decide (NUL ends its input, a byte
/// order mark is skipped, hundreds of digits overflow a double).
inline std::optional<bool> oracle_accepts(std::string_view text) {
  if (text.find('\0') != text.npos || text.starts_with("\xef")) return std::nullopt;
  std::size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 300) return std::nullopt;
  }
  return nlohmann::json::accept(harmless(text));
}

}  // namespace mcpwire::protocol::json::test
