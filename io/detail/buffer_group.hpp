// SPDX-License-Identifier: MIT
//
// BufferGroup: equal buffers that the kernel fills for whichever read has data (a provided buffer
// ring), so that an idle stream holds none.
//
// Threading: the loop's thread.
// Invariants: a buffer is the kernel's, or it is being read inside one callback; under ASan the
// kernel's buffers are poisoned.
#pragma once

#include "io/detail/uring_compat.hpp"
#include "io/loop.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace mcpwire::io::detail {

class BufferGroup {
 public:
  /// Bytes behind the last buffer that may be read: a parser that loads whole vectors may look
  /// this far behind its input wherever that lies.
  static constexpr std::size_t kReadablePaddingBytes = 64;

  /// Registers the group as number `id` of `ring`, which must be closed before the group goes.
  static Result<std::unique_ptr<BufferGroup>> create(io_uring& ring, std::uint16_t id,
                                                     const BufferGroupOptions& options);
  ~BufferGroup();
  BufferGroup(const BufferGroup&) = delete;
  BufferGroup& operator=(const BufferGroup&) = delete;

  std::uint16_t id() const noexcept { return id_; }
  std::uint32_t count() const noexcept { return options_.count; }
  std::uint32_t bytes_each() const noexcept { return options_.bytes_each; }

  /// The first `bytes` of a buffer that the kernel has filled.
  ByteSpan open(std::uint16_t buffer, std::size_t bytes) noexcept;
  /// Hands a buffer back to the kernel.
  void give_back(std::uint16_t buffer) noexcept;

 private:
  BufferGroup(std::uint16_t id, const BufferGroupOptions& options) noexcept
      : id_(id), options_(options) {}
  std::byte* buffer_at(std::uint16_t buffer) const noexcept {
    return buffers_ + std::size_t{buffer} * options_.bytes_each;
  }

  std::uint16_t id_;
  BufferGroupOptions options_;
  std::size_t mapped_bytes_ = 0;
  io_uring_buf_ring* ring_ = nullptr;  ///< Start of the mapping; the buffers lie behind it.
  std::byte* buffers_ = nullptr;
};

}  // namespace mcpwire::io::detail
