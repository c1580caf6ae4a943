// SPDX-License-Identifier: MIT
#include "protocol/json/string_token.hpp"

#include "protocol/json/detail/token.hpp"
#include "protocol/json/fault.hpp"

#include <charconv>
#include <cstddef>

namespace mcpwire::protocol::json {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

constexpr bool is_high_surrogate(std::uint32_t unit) noexcept { return unit >> 10 == 0xd800 >> 10; }
constexpr bool is_low_surrogate(std::uint32_t unit) noexcept { return unit >> 10 == 0xdc00 >> 10; }

void append_utf8(std::string& text, std::uint32_t point) {
  const auto put = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

constexpr char plain_escape(char letter) noexcept {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

/// The UTF-16 unit of "\uXXXX" at the start of `text`, or -1.
int unicode_unit(std::string_view text) noexcept {
  if (!text.starts_with("\\u") || !detail::is_unicode_escape(text.substr(2, 4))) return -1;
  int unit = 0;
  for (const char digit : text.substr(2, 4)) unit = unit * 16 + detail::hex_value(digit);
  return unit;
}

/// Decodes the escape that `body` begins with; bytes consumed, 0 if it is not valid.
std::size_t decode_escape(std::string_view body, std::string& text) {
  if (body.size() < 2 || !detail::is_escape_letter(body[1])) return 0;
  if (body[1] != 'u') {
    text.push_back(plain_escape(body[1]));
    return 2;
  }
  const int first = unicode_unit(body);
  if (first < 0) return 0;
  const auto unit = static_cast<std::uint32_t>(first);
  if (is_high_surrogate(unit)) {
    const int second = unicode_unit(body.substr(6));
    if (second >= 0 && is_low_surrogate(static_cast<std::uint32_t>(second))) {
      append_utf8(text,
                  0x10000 + ((unit & 0x3ff) << 10 | (static_cast<std::uint32_t>(second) & 0x3ff)));
      return 12;
    }
  }
  const bool is_lone = is_high_surrogate(unit) || is_low_surrogate(unit);
  append_utf8(text, is_lone ? kReplacement : unit);
  return 6;
}

/// The fault is a type fault whatever the token holds: callers asked for one type.
Failure wrong_type() { return fail(json_error(JsonFault::kType)); }

}  // namespace

Result<std::string> decode_string(std::string_view token) {
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return wrong_type();
  const std::string_view body = token.substr(1, token.size() - 2);
  std::string text;
  text.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    std::size_t end = at;
    while (end < body.size() && body[end] != '\\') {
      if (body[end] == '"' || static_cast<unsigned char>(body[end]) < 0x20) return wrong_type();
      ++end;
    }
    text.append(body, at, end - at);
    at = end;
    if (at == body.size()) break;
    const std::size_t consumed = decode_escape(body.substr(at), text);
    if (consumed == 0) return wrong_type();
    at += consumed;
  }
  return text;
}

Result<bool> read_bool(std::string_view token) {
  if (token == "true") return true;
  if (token == "false") return false;
  return wrong_type();
}

Result<std::int64_t> read_int64(std::string_view token) {
  if (!detail::is_integer_token(token)) return wrong_type();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc{} || end != token.data() + token.size()) return wrong_type();
  return value;
}

Result<double> read_double(std::string_view token) {
  if (!detail::is_number_token(token)) return wrong_type();
  double value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc{} || end != token.data() + token.size()) return wrong_type();
  return value;
}

}  // namespace mcpwire::protocol::json
