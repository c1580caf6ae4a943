// SPDX-License-Identifier: MIT
//
// Character classes and scalar tokens of JSON (RFC 8259), as inline functions for the hot walks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcpwire::protocol::json::detail {

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Indexed by the byte behind a backslash.
inline constexpr std::array<bool, 256> kEscapeLetters = [] {
  std::array<bool, 256> letters{};
  for (const char letter : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't', 'u'}) {
    letters[static_cast<unsigned char>(letter)] = true;
  }
  return letters;
}();

/// True for what may follow a backslash.
constexpr bool is_escape_letter(char c) noexcept {
  return kEscapeLetters[static_cast<unsigned char>(c)];
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

constexpr std::size_t skip_digits(const char* text, std::size_t at, std::size_t end) noexcept {
  while (at < end && is_digit(text[at])) ++at;
  return at;
}

/// Offset behind the number (RFC 8259 section 6) that begins at `at`, or 0 if none does. Magnitude
/// is not limited: numbers pass through.
constexpr std::size_t skip_number(const char* text, std::size_t at, std::size_t end) noexcept {
  if (at < end && text[at] == '-') ++at;
  const std::size_t whole = at;
  at = skip_digits(text, at, end);
  if (at == whole || (text[whole] == '0' && at > whole + 1)) return 0;
  if (at < end && text[at] == '.') {
    const std::size_t fraction = at + 1;
    at = skip_digits(text, fraction, end);
    if (at == fraction) return 0;
  }
  if (at < end && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t exponent = at + 1;
    if (exponent < end && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    at = skip_digits(text, exponent, end);
    if (at == exponent) return 0;
  }
  return at;
}

/// Offset behind the number or literal that begins at `at`, or 0 if none does. REQUIRES: at < end.
constexpr std::size_t skip_scalar(const char* text, std::size_t at, std::size_t end) noexcept {
  const auto skip_literal = [=](std::string_view literal) -> std::size_t {
    const std::string_view rest(text + at, end - at);
    return rest.starts_with(literal) ? at + literal.size() : 0;
  };
  switch (text[at]) {
    case 't':
      return skip_literal("true");
    case 'f':
      return skip_literal("false");
    case 'n':
      return skip_literal("null");
    default:
      return skip_number(text, at, end);
  }
}

constexpr bool is_number_token(std::string_view token) noexcept {
  return !token.empty() && skip_number(token.data(), 0, token.size()) == token.size();
}

}  // namespace mcpwire::protocol::json::detail
