// SPDX-License-Identifier: MIT
//
// ChildStderrTail: keeps the last bytes that a server wrote to its standard error and lets go of
// the rest, so that a server can never block on it.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/seams/byte_stream.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

/// The last line of `text` that is not blank, a view into it. Empty if there is none.
std::string_view last_line_of(std::string_view text) noexcept;

class ChildStderrTail {
 public:
  /// REQUIRES: bytes_max >= 1.
  explicit ChildStderrTail(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  void append(ByteSpan bytes);

  /// What is kept, oldest byte first.
  std::string text() const;

  /// Older output was let go of: the first line may have lost its beginning.
  bool is_full() const noexcept { return ring_.size() == bytes_max_; }

 private:
  std::size_t bytes_max_;
  std::string ring_;      ///< Grows to bytes_max_, then wraps.
  std::size_t head_ = 0;  ///< Oldest byte once the ring is full.
};

}  // namespace mcpwire::io::detail
