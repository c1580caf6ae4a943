// SPDX-License-Identifier: MIT
#include "io/http/header_codec.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mcpwire::io {
namespace {

constexpr std::string_view kPrefix = "=?base64?";
constexpr std::string_view kSuffix = "?=";
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kSessionIdBytesMax = 1024;

bool is_visible(char c) noexcept { return c > 0x20 && c < 0x7f; }

bool is_token_character(char c) noexcept {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || kOthers.find(c) != kOthers.npos;
}

bool looks_encoded(std::string_view value) noexcept {
  return value.size() >= kPrefix.size() + kSuffix.size() && value.starts_with(kPrefix) &&
         value.ends_with(kSuffix);
}

void append_base64(std::string& out, std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      const auto byte = index < count ? static_cast<unsigned char>(bytes[at + index]) : 0U;
      group = group << 8 | byte;
    }
    for (std::size_t index = 0; index < 4; ++index) {
      out += index <= count ? kDigits[group >> (18 - 6 * index) & 63] : '=';
    }
  }
}

}  // namespace

bool is_header_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, is_token_character);
}

bool is_plain_header_value(std::string_view value) noexcept {
  if (value.starts_with(' ') || value.ends_with(' ')) return false;
  return std::ranges::all_of(value, [](char c) { return c == ' ' || is_visible(c); });
}

std::string encode_header_value(std::string_view value) {
  if (is_plain_header_value(value) && !looks_encoded(value)) return std::string(value);
  std::string encoded(kPrefix);
  append_base64(encoded, value);
  encoded += kSuffix;
  return encoded;
}

std::string header_line(std::string_view name, std::string_view value) {
  MCPWIRE_CHECK(is_header_name(name));
  constexpr std::string_view kForbidden("\r\n\0", 3);
  MCPWIRE_CHECK(value.find_first_of(kForbidden) == value.npos);
  std::string line(name);
  // libcurl takes "Name:" for "leave this header out".
  if (value.empty()) return line += ';';
  line += ": ";
  line += value;
  return line;
}

bool is_session_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kSessionIdBytesMax && std::ranges::all_of(id, is_visible);
}

}  // namespace mcpwire::io
