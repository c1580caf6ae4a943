// SPDX-License-Identifier: MIT
//
// ChildStderrTail: keeps the last 64 KiB that a server wrote to its standard error and lets go of
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

class ChildStderrTail {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{64} << 10;

  void append(ByteSpan bytes);

  /// What is kept, oldest byte first.
  std::string text() const;

  /// The last line that is not blank, without control characters (they would act on a person's
  /// terminal), at most kShownBytes of it. Empty if there is none.
  std::string last_line() const;

  static constexpr std::size_t kShownBytes = 512;

 private:
  std::string ring_;      ///< Grows to kBytesMax, then wraps.
  std::size_t head_ = 0;  ///< Oldest byte once the ring is full.
};

}  // namespace mcpwire::io::detail
