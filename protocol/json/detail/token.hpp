// SPDX-License-Identifier: MIT
//
// Character classes and scalar tokens of JSON (RFC 8259), as inline functions for the hot walks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcpwire::protocol::json::detail {

constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// True for what may follow a backslash.
constexpr bool is_escape_letter(char c) noexcept {
  switch (c) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': case 'u':
      return true;
    default:
      return false;
  }
}

/// True if `digits` are four hexadecimal digits.
constexpr bool is_unicode_escape(std::string_view digits) noexcept {
  if (digits.size() != 4) return false;
  for (const char c : digits) {
    if (hex_value(c) < 0) return false;
  }
  return true;
}

constexpr std::string_view trim_end(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// -?(0|[1-9][0-9]*), and nothing else.
constexpr bool is_integer_token(std::string_view token) noexcept {
  if (token.starts_with('-')) token.remove_prefix(1);
  if (token.empty() || (token[0] == '0' && token.size() > 1)) return false;
  for (const char c : token) {
    if (!is_digit(c)) return false;
  }
  return true;
}

/// Offset behind the digits that begin at `at`.
constexpr std::size_t skip_digits(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// The number grammar of RFC 8259 section 6. Magnitude is not limited: numbers pass through.
constexpr bool is_number_token(std::string_view token) noexcept {
  std::size_t at = token.starts_with('-') ? 1 : 0;
  std::size_t end = skip_digits(token, at);
  if (end == at || (token[at] == '0' && end > at + 1)) return false;
  if (end < token.size() && token[end] == '.') {
    at = end + 1;
    end = skip_digits(token, at);
    if (end == at) return false;
  }
  if (end < token.size() && (token[end] | 0x20) == 'e') {
    at = end + 1;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    end = skip_digits(token, at);
    if (end == at) return false;
  }
  return end == token.size();
}

/// A number or literal, without whitespace around it.
constexpr bool is_scalar_token(std::string_view token) noexcept {
  if (token.empty()) return false;
  switch (token[0]) {
    case 't':
      return token == "true";
    case 'f':
      return token == "false";
    case 'n':
      return token == "null";
    default:
      return is_number_token(token);
  }
}

}  // namespace mcpwire::protocol::json::detail
