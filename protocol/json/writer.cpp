// SPDX-License-Identifier: MIT
#include "protocol/json/writer.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace mcpwire::protocol::json {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// True for bytes that a JSON string may hold as they are: ASCII but controls, quote, backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

constexpr unsigned char byte_at(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned char>(text[at]);
}

/// Length of the UTF-8 sequence that `text` begins with (Unicode table 3-7), or 0.
std::size_t utf8_sequence(std::string_view text) noexcept {
  const unsigned char lead = byte_at(text, 0);
  const std::size_t length = lead < 0xc2   ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) return 0;
  for (std::size_t at = 2; at < length; ++at) {
    if ((byte_at(text, at) & 0xc0) != 0x80) return 0;
  }
  return length;
}

void append_escape(std::string& out, unsigned char byte) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 0xf];
  }
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  MCPWIRE_CHECK(error == std::errc{});
  out.append(buffer.data(), end);
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && kPlain[byte_at(text, end)]) ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    if (byte_at(text, at) < 0x80) {
      append_escape(out, byte_at(text, at++));
      continue;
    }
    const std::size_t length = utf8_sequence(text.substr(at));
    out += length == 0 ? kReplacement : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  out += '"';
}

void Writer::begin_value() {
  if (depth_ == 0) {
    MCPWIRE_CHECK(!has_member_);
  } else if (in_object()) {
    MCPWIRE_CHECK(has_key_);
  } else if (has_member_) {
    out_ += ',';
  }
  has_key_ = false;
  has_member_ = true;
}

void Writer::open(char bracket) {
  begin_value();
  MCPWIRE_CHECK(depth_ < kDepthMax);
  objects_ = objects_ << 1 | static_cast<std::uint64_t>(bracket == '{');
  ++depth_;
  has_member_ = false;
  out_ += bracket;
}

void Writer::close(char bracket) {
  MCPWIRE_CHECK(depth_ > 0);
  MCPWIRE_CHECK(in_object() == (bracket == '}'));
  MCPWIRE_CHECK(!has_key_);
  objects_ >>= 1;
  --depth_;
  has_member_ = true;
  out_ += bracket;
}

Writer& Writer::begin_object() {
  open('{');
  return *this;
}

Writer& Writer::end_object() {
  close('}');
  return *this;
}

Writer& Writer::begin_array() {
  open('[');
  return *this;
}

Writer& Writer::end_array() {
  close(']');
  return *this;
}

Writer& Writer::key(std::string_view name) {
  MCPWIRE_CHECK(depth_ > 0);
  MCPWIRE_CHECK(in_object());
  MCPWIRE_CHECK(!has_key_);
  if (has_member_) out_ += ',';
  append_string(out_, name);
  out_ += ':';
  has_key_ = true;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  begin_value();
  append_string(out_, text);
  return *this;
}

Writer& Writer::append_signed(std::int64_t value) {
  begin_value();
  append_number(out_, value);
  return *this;
}

Writer& Writer::append_unsigned(std::uint64_t value) {
  begin_value();
  append_number(out_, value);
  return *this;
}

Writer& Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  begin_value();
  append_number(out_, value);
  return *this;
}

Writer& Writer::boolean(bool value) {
  begin_value();
  out_ += value ? "true" : "false";
  return *this;
}

Writer& Writer::null() {
  begin_value();
  out_ += "null";
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  MCPWIRE_CHECK(!json.empty());
  begin_value();
  const std::size_t begin = out_.size();
  out_ += json;
  if (json.find('\n') == json.npos && json.find('\r') == json.npos) return *this;
  const auto is_newline = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end(), is_newline, ' ');
  return *this;
}

}  // namespace mcpwire::protocol::json
