// SPDX-License-Identifier: MIT
//
// MessageText: a message that arrives in pieces. What is large gets memory that the reply can keep,
// so that it is copied once, out of libcurl's buffer.
//
// Threading: the loop's thread.
#pragma once

#include "io/large_line.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire::io {

class MessageText {
 public:
  /// From that size on it is large.
  static constexpr std::size_t kLargeBytes = std::size_t{64} << 10;

  /// Never more than `bytes_max`, which whoever appends sees to. Without `lines` (which outlives
  /// it) a large text is as others.
  explicit MessageText(std::size_t bytes_max, LargeLinePool* lines = nullptr) noexcept
      : bytes_max_(bytes_max), lines_(lines) {}

  void append(std::string_view piece);
  std::string_view view() const noexcept;
  std::size_t size() const noexcept { return large_ ? large_bytes_ : text_.size(); }
  bool empty() const noexcept { return size() == 0; }
  void clear() noexcept;
  /// Another one of that kind.
  MessageText empty_one() const noexcept { return MessageText(bytes_max_, lines_); }
  /// The memory that view() lies in; none where it is not large. The text is empty afterwards.
  LargeLine take_memory() noexcept;

 private:
  void grow_large(std::string_view piece);

  std::size_t bytes_max_;
  LargeLinePool* lines_;
  std::string text_;
  LargeLine large_;
  std::size_t large_bytes_ = 0;
};

}  // namespace mcpwire::io
