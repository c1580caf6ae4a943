// SPDX-License-Identifier: MIT
//
// Walker: reads a text along its structural index, one value or key at a time, and hands out raw
// spans. Two ways past a value: check_value() holds it to the whole grammar (escapes excepted, see
// detail/escapes.hpp), skip_value() only to matching brackets.
//
// Threading: a value of one thread; text and index must outlive it.
#pragma once

#include "protocol/json/detail/structural_index.hpp"
#include "protocol/json/detail/token.hpp"
#include "protocol/json/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcpwire::protocol::json::detail {

enum class Strictness : std::uint8_t { kFull, kBrackets };

class Walker {
 public:
  Walker(std::string_view text, const StructuralIndex& index) noexcept
      : text_(text), positions_(index.positions()), count_(index.count()) {}

  /// First character of the next token; NUL at the end.
  char peek() const noexcept { return next_ < count_ ? text_[positions_[next_]] : '\0'; }
  bool at_end() const noexcept { return next_ == count_; }

  /// Steps over the next token if it is the single character `wanted`.
  bool take(char wanted) noexcept {
    if (peek() != wanted) return false;
    ++next_;
    return true;
  }

  /// Steps over `"key" :` and tells the key without its quotes.
  JsonFault take_key(std::string_view& key) noexcept {
    if (peek() != '"') return JsonFault::kGrammar;
    const std::string_view token = token_at(next_++);
    key = token.substr(1, token.size() - 2);
    return take(':') ? JsonFault::kNone : JsonFault::kGrammar;
  }

  /// Steps over the next value and tells its raw span, without whitespace around it.
  /// `depth` counts the containers that already surround it.
  JsonFault take_value(std::string_view& raw, Strictness strictness, unsigned depth) noexcept {
    if (at_end()) return JsonFault::kGrammar;
    const std::size_t begin = positions_[next_];
    const JsonFault fault = strictness == Strictness::kFull ? check_value(depth) : skip_value();
    if (fault != JsonFault::kNone) return fault;
    raw = trim_end(text_.substr(begin, positions_[next_] - begin));
    return JsonFault::kNone;
  }

 private:
  /// The token that begins at a structural position. A string's closing quote is its last
  /// character: whatever else followed it would have a position of its own.
  std::string_view token_at(std::size_t index) const noexcept {
    const std::size_t begin = positions_[index];
    return trim_end(text_.substr(begin, positions_[index + 1] - begin));
  }

  JsonFault check_value(unsigned depth) noexcept;
  JsonFault skip_value() noexcept;
  struct Nesting;
  JsonFault walk_value(unsigned depth_max) noexcept;
  JsonFault begin_value(Nesting& nesting, unsigned depth_max, bool& opened) noexcept;
  JsonFault take_scalar() noexcept;

  std::string_view text_;
  const std::uint32_t* positions_;
  std::size_t count_;
  std::size_t next_ = 0;
};

}  // namespace mcpwire::protocol::json::detail
