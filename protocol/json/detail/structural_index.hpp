// SPDX-License-Identifier: MIT
//
// StructuralIndex: simdjson's first stage alone. It checks UTF-8 and raw control characters at
// memory speed and lists where every bracket, colon, comma, string and scalar begins; the grammar
// is then walked by detail/walker.hpp.
// The one decision: simdjson's On-Demand front end leaves brackets, escapes and scalars unchecked
// and its DOM copies every string, so neither is used; both stand on this same stage. It reads no
// byte behind the text (its last block is copied), so callers need no padding: a test with a guard
// page holds that.
//
// Threading: one thread. The only file that includes simdjson.h is structural_index.cpp.
#pragma once

#include "protocol/json/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace mcpwire::protocol::json::detail {

/// By simdjson, at memory speed.
bool is_utf8(std::string_view text) noexcept;

class StructuralIndex {
 public:
  /// Texts up to this size use a buffer that is kept (at most 4 bytes per byte of text, touched
  /// only as far as it was needed); larger ones a buffer of their own that release_jumbo() frees.
  static constexpr std::size_t kKeptBytesMax = std::size_t{1} << 20;

  StructuralIndex() noexcept;
  StructuralIndex(StructuralIndex&&) noexcept;
  StructuralIndex& operator=(StructuralIndex&&) noexcept;
  ~StructuralIndex();

  /// Indexes `text`. kNone, or what the first stage found wrong.
  JsonFault build(std::string_view text) noexcept;

  /// Offsets in ascending order; positions()[count()] is the text's size.
  const std::uint32_t* positions() const noexcept { return positions_; }
  std::size_t count() const noexcept { return count_; }

  /// Frees the buffer of a text over kKeptBytesMax; the positions are gone then.
  void release_jumbo() noexcept;
  bool holds_jumbo() const noexcept { return jumbo_ != nullptr; }

 private:
  struct Stage;
  JsonFault ensure_capacity(std::unique_ptr<Stage>& stage, std::size_t bytes) noexcept;

  std::unique_ptr<Stage> kept_;
  std::unique_ptr<Stage> jumbo_;
  const std::uint32_t* positions_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace mcpwire::protocol::json::detail
