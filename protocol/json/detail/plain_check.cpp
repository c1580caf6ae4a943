// SPDX-License-Identifier: MIT
#include "protocol/json/detail/plain_check.hpp"

#include "protocol/json/detail/structural_index.hpp"
#include "protocol/json/detail/token.hpp"
#include "protocol/request_header.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mcpwire::protocol::json::detail {
namespace {

/// True for the bytes of a string that need no look: all but quote, backslash and controls.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < plain.size(); ++byte) {
    plain[byte] = byte != '"' && byte != '\\';
  }
  return plain;
}();

class PlainWalker {
 public:
  explicit PlainWalker(std::string_view text) noexcept : text_(text) {}

  JsonFault check() noexcept {
    skip_spaces();
    if (at_ == text_.size()) return JsonFault::kEmpty;
    if (const JsonFault fault = walk_value(); fault != JsonFault::kNone) return fault;
    skip_spaces();
    return at_ == text_.size() ? JsonFault::kNone : JsonFault::kTrailing;
  }

 private:
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() noexcept {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  /// Spaces, then `wanted`.
  bool take(char wanted) noexcept {
    skip_spaces();
    if (peek() != wanted || at_ == text_.size()) return false;
    ++at_;
    return true;
  }

  /// From behind the opening quote to behind the closing one.
  JsonFault skip_string() noexcept {
    for (;;) {
      while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) ++at_;
      if (at_ == text_.size()) return JsonFault::kUnclosedString;
      const char c = text_[at_++];
      if (c == '"') return JsonFault::kNone;
      if (c != '\\') return JsonFault::kControlCharacter;
      if (!skip_escape()) return JsonFault::kEscape;
    }
  }
  bool skip_escape() noexcept {
    if (at_ == text_.size() || !is_escape_letter(text_[at_])) return false;
    const bool is_unicode = text_[at_++] == 'u';
    if (is_unicode && !is_unicode_escape(text_.substr(at_, 4))) return false;
    at_ += is_unicode ? 4 : 0;
    return true;
  }

  JsonFault take_scalar() noexcept {
    if (at_ == text_.size()) return JsonFault::kGrammar;
    const std::size_t end = skip_scalar(text_.data(), at_, text_.size());
    if (end == 0) return JsonFault::kScalar;
    at_ = end;
    return JsonFault::kNone;
  }

  /// A string, a scalar, an empty container or the bracket that opens another one.
  JsonFault begin_value(bool& opened) noexcept {
    skip_spaces();
    const char first = peek();
    if (first == '"') {
      ++at_;
      return skip_string();
    }
    if (first != '{' && first != '[') return take_scalar();
    if (depth_ == kDepthMax) return JsonFault::kDepth;
    ++at_;
    opened = !take(static_cast<char>(first + 2));  // '{' + 2 is '}', '[' + 2 is ']'.
    if (!opened) return JsonFault::kNone;
    objects_ = objects_ << 1 | static_cast<std::uint64_t>(first == '{');
    ++depth_;
    return JsonFault::kNone;
  }

  JsonFault take_key() noexcept {
    if (!take('"')) return JsonFault::kGrammar;
    if (const JsonFault fault = skip_string(); fault != JsonFault::kNone) return fault;
    return take(':') ? JsonFault::kNone : JsonFault::kGrammar;
  }

  bool in_object() const noexcept { return (objects_ & 1) != 0; }

  JsonFault walk_value() noexcept {
    for (;;) {
      bool opened = false;
      JsonFault fault = begin_value(opened);
      if (fault != JsonFault::kNone) return fault;
      if (!opened) {
        while (depth_ != 0 && take(in_object() ? '}' : ']')) {
          objects_ >>= 1;
          --depth_;
        }
        if (depth_ == 0) return JsonFault::kNone;
        if (!take(',')) return JsonFault::kGrammar;
      }
      if (in_object()) fault = take_key();
      if (fault != JsonFault::kNone) return fault;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t objects_ = 0;  ///< The containers around a place, innermost in bit 0.
  unsigned depth_ = 0;
};
static_assert(kDepthMax <= 64, "one bit per container");

}  // namespace

JsonFault check_plainly(std::string_view text) noexcept {
  if (text.size() > kMessageBytesMax) return JsonFault::kTooLarge;
  if (!is_utf8(text)) return JsonFault::kEncoding;
  return PlainWalker(text).check();
}

}  // namespace mcpwire::protocol::json::detail
