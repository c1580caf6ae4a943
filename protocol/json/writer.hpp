// SPDX-License-Identifier: MIT
//
// Writer: appends one JSON value to a string, compactly and never with a raw newline, so that the
// result fits on one line of a stdio stream.
//
// Threading: one thread. Misuse (a value where a key belongs, an unbalanced end, a second
// top-level value) is a bug and ends the process (MCPWIRE_CHECK).
#pragma once

#include "protocol/json/fault.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json {

class Writer {
 public:
  /// Appends to `out`, which must outlive the writer; what is in it already stays.
  explicit Writer(std::string& out) noexcept : out_(out) {}

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  /// Escapes `text`; each byte that is not UTF-8 becomes U+FFFD.
  Writer& string(std::string_view text);
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Writer& number(T value) {
    if constexpr (std::signed_integral<T>) {
      return append_signed(value);
    } else {
      return append_unsigned(value);
    }
  }
  /// Shortest text that reads back as `value`; null where it is not finite, as JSON has no word.
  Writer& number(double value);
  Writer& boolean(bool value);
  Writer& null();
  /// A validated JSON value as it is, except that newlines (legal between its tokens only) become
  /// spaces. REQUIRES: `json` is not empty.
  Writer& raw(std::string_view json);

  /// True once one whole value has been written.
  bool is_complete() const noexcept { return depth_ == 0 && has_member_; }

 private:
  Writer& append_signed(std::int64_t value);
  Writer& append_unsigned(std::uint64_t value);
  void begin_value();
  void open(char bracket);
  void close(char bracket);
  bool in_object() const noexcept { return (objects_ & 1) != 0; }

  std::string& out_;
  std::uint64_t objects_ = 0;  ///< The open containers, innermost in bit 0: 1 for an object.
  unsigned depth_ = 0;
  bool has_member_ = false;  ///< The innermost container (or the text) has a value already.
  bool has_key_ = false;     ///< A key waits for its value.
};

/// Appends `text` as a JSON string, quotes included.
void append_string(std::string& out, std::string_view text);

}  // namespace mcpwire::protocol::json
