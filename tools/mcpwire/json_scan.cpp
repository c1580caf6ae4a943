// SPDX-License-Identifier: MIT
#include "tools/mcpwire/json_scan.hpp"

#include <algorithm>

namespace mcpwire::cli {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The byte behind the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

std::size_t skip_digits(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// The byte behind the number that begins at `at` (RFC 8259, section 6); `at` if none does.
std::size_t end_of_number(std::string_view text, std::size_t at) noexcept {
  const auto byte = [text](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  const std::size_t first = byte(at) == '-' ? at + 1 : at;
  if (!is_digit(byte(first))) return at;
  std::size_t end = byte(first) == '0' ? first + 1 : skip_digits(text, first);
  if (byte(end) == '.' && is_digit(byte(end + 1))) end = skip_digits(text, end + 1);
  if (byte(end) != 'e' && byte(end) != 'E') return end;
  const bool has_sign = byte(end + 1) == '+' || byte(end + 1) == '-';
  const std::size_t exponent = end + (has_sign ? 2 : 1);
  return is_digit(byte(exponent)) ? skip_digits(text, exponent) : end;
}

}  // namespace

std::optional<std::size_t> find_too_deep(std::string_view text, std::size_t depth_max) noexcept {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if ((c == '{' || c == '[') && ++depth > depth_max) return at;
    if ((c == '}' || c == ']') && depth > 0) --depth;
    at = c == '"' ? end_of_string(text, at) : at + 1;
  }
  return std::nullopt;
}

std::string with_small_numbers(std::string_view text) {
  std::string small(text);
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    const std::size_t end = end_of_number(text, at);
    if (end > at) {
      std::fill(small.begin() + static_cast<std::ptrdiff_t>(at),
                small.begin() + static_cast<std::ptrdiff_t>(end), ' ');
      small[at] = '0';
    }
    at = std::max(end, at + 1);
  }
  return small;
}

}  // namespace mcpwire::cli
