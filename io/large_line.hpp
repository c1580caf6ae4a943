// SPDX-License-Identifier: MIT
//
// LargeLine: memory for one line of a server that is too long for the loop's buffers: the kernel
// reads straight into it, the JSON parser works in it, and the reply keeps it until the answer has
// left. LargeLinePool keeps such memory warm, because fresh pages cost more than the bytes in them
// (docs/adr/0010).
//
// Threading: the loop's thread.
// Invariants: private memory, never shared with a client, so it may serve one server's line after
//   another's; kReadablePaddingBytes behind a line may be read.
// Memory: address space for the longest line; pages as they are used. At most kWarmLines times
//   kWarmBytesMax stay when no line is under way.
#pragma once

#include "protocol/base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace mcpwire::io {

namespace detail {
struct LargeLineShelf;
}

/// What large lines cost, since the start.
struct LargeLineCounters {
  std::uint64_t lines = 0;
  std::uint64_t reads = 0;         ///< Read straight into a line's memory.
  std::uint64_t bytes_read = 0;    ///< By them.
  std::uint64_t bytes_copied = 0;  ///< What had arrived before, or belonged to the next line.
};

class LargeLine {
 public:
  LargeLine() noexcept = default;
  LargeLine(LargeLine&& other) noexcept
      : shelf_(std::move(other.shelf_)), memory_(std::exchange(other.memory_, {})) {}
  LargeLine& operator=(LargeLine&& other) noexcept {
    std::swap(shelf_, other.shelf_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~LargeLine();

  explicit operator bool() const noexcept { return !memory_.empty(); }
  MutableByteSpan memory() const noexcept { return memory_; }

 private:
  friend class LargeLinePool;
  LargeLine(std::shared_ptr<detail::LargeLineShelf> shelf, MutableByteSpan memory) noexcept
      : shelf_(std::move(shelf)), memory_(memory) {}

  std::shared_ptr<detail::LargeLineShelf> shelf_;
  MutableByteSpan memory_;
};

class LargeLinePool {
 public:
  static constexpr std::size_t kReadablePaddingBytes = 64;
  static constexpr std::size_t kWarmLines = 2;
  static constexpr std::size_t kWarmBytesMax = std::size_t{4} << 20;

  LargeLinePool();
  ~LargeLinePool();
  LargeLinePool(const LargeLinePool&) = delete;
  LargeLinePool& operator=(const LargeLinePool&) = delete;

  /// Memory for `bytes` at least; nothing if the kernel has no room for it.
  std::optional<LargeLine> try_take(std::size_t bytes);

  LargeLineCounters counters;

 private:
  std::shared_ptr<detail::LargeLineShelf> shelf_;  ///< Outlives us with the lines that are out.
};

}  // namespace mcpwire::io
