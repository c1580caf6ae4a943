// SPDX-License-Identifier: MIT
#include "daemon/config/escape.hpp"

#include <array>
#include <cstddef>
#include <cstdio>

namespace mcpwire::config {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;  ///< 0: no well-formed UTF-8 here.
};

/// One code point by the table of well-formed sequences (Unicode 15, table 3-7): no overlong forms,
/// no surrogates, nothing above U+10FFFF.
CodePoint decode(std::string_view text) noexcept {
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte_at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte_at(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte_at(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x1'0000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[bytes] || value > 0x10'ffff || surrogate) return {};
  return {value, bytes};
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

/// What moves a cursor, changes the direction of what follows, or is there without being seen.
constexpr std::array<Range, 10> kUnprintable = {{
    {0x00, 0x1f},        // C0 controls
    {0x7f, 0x9f},        // DEL and C1 controls
    {0xad, 0xad},        // soft hyphen
    {0x61c, 0x61c},      // Arabic letter mark
    {0x200b, 0x200b},    // zero width space
    {0x200e, 0x200f},    // direction marks
    {0x2028, 0x202e},    // line separators, direction embeddings and overrides
    {0x2060, 0x206f},    // word joiner, direction isolates, deprecated format characters
    {0xfeff, 0xfeff},    // zero width no-break space
    {0xe0000, 0xe007f},  // tags
}};

bool unprintable(std::uint32_t value) noexcept {
  for (const Range& range : kUnprintable) {
    if (value >= range.first && value <= range.last) return true;
  }
  return false;
}

void append_escape(std::string& target, std::uint32_t value) {
  switch (value) {
    case '\n':
      target += "\\n";
      return;
    case '\t':
      target += "\\t";
      return;
    case '\r':
      target += "\\r";
      return;
    default:
      break;
  }
  std::array<char, 16> buffer{};
  if (value <= 0xff) {
    std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<unsigned>(value));
  } else {
    std::snprintf(buffer.data(), buffer.size(), "\\u{%x}", static_cast<unsigned>(value));
  }
  target += buffer.data();
}

}  // namespace

std::string escape_unprintable(std::string_view text, LineBreaks line_breaks) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const std::size_t bytes = point.bytes == 0 ? 1 : point.bytes;
    const bool kept_break =
        line_breaks == LineBreaks::kKeep && (point.value == '\n' || point.value == '\t');
    if (point.bytes == 0) {
      append_escape(shown, static_cast<std::uint8_t>(text[0]));
    } else if (unprintable(point.value) && !kept_break) {
      append_escape(shown, point.value);
    } else {
      shown += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return shown;
}

std::string quote_exactly(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return '"' + escape_unprintable(escaped, LineBreaks::kEscape) + '"';
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t bytes = decode(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace mcpwire::config
