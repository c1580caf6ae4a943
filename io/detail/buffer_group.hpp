// SPDX-License-Identifier: MIT
//
// BufferGroup: equal buffers of which any read with data takes one, so that an idle stream holds
// none. Who picks the buffer is the backend's: the kernel (RegisteredBufferGroup, with
// io_uring) or we (FreeBufferGroup).
//
// Threading: the loop's thread.
// Invariants: a buffer is free, or it is being read inside one callback; under ASan the free ones
// are poisoned.
#pragma once

#include "io/loop.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mcpwire::io::detail {

class BufferGroup {
 public:
  /// Bytes behind the last buffer that may be read: a parser that loads whole vectors may look
  /// this far behind its input wherever that lies.
  static constexpr std::size_t kReadablePaddingBytes = 64;
  static constexpr std::uint32_t kCountMax = 32768;  ///< The kernel's limit for one group.

  virtual ~BufferGroup();
  BufferGroup(const BufferGroup&) = delete;
  BufferGroup& operator=(const BufferGroup&) = delete;

  std::uint32_t count() const noexcept { return options_.count; }
  std::uint32_t bytes_each() const noexcept { return options_.bytes_each; }

  /// The first `bytes` of a buffer that was filled.
  ByteSpan open(std::uint16_t buffer, std::size_t bytes) noexcept;
  /// Free again.
  void give_back(std::uint16_t buffer) noexcept;

 protected:
  explicit BufferGroup(const BufferGroupOptions& options) noexcept : options_(options) {}
  /// Memory for `head_bytes` of the implementation's and the buffers behind them.
  Result<void> map(std::size_t head_bytes);
  void* head() const noexcept { return mapping_; }
  std::byte* buffer_at(std::uint16_t buffer) const noexcept {
    return buffers_ + std::size_t{buffer} * options_.bytes_each;
  }

 private:
  virtual void make_free(std::uint16_t buffer) noexcept = 0;

  BufferGroupOptions options_;
  std::size_t mapped_bytes_ = 0;
  void* mapping_ = nullptr;
  std::byte* buffers_ = nullptr;
};

/// The backend itself picks buffers and fills them.
class FreeBufferGroup final : public BufferGroup {
 public:
  static Result<std::unique_ptr<FreeBufferGroup>> create(const BufferGroupOptions& options);

  /// Nothing when all are in use.
  std::optional<std::uint16_t> try_take() noexcept;
  /// Room to fill a buffer that was taken; close_room() follows before anybody may open() it.
  MutableByteSpan room(std::uint16_t buffer) noexcept;
  void close_room(std::uint16_t buffer) noexcept;

 private:
  explicit FreeBufferGroup(const BufferGroupOptions& options) : BufferGroup(options) {
    free_.reserve(options.count);
  }
  void make_free(std::uint16_t buffer) noexcept override { free_.push_back(buffer); }

  std::vector<std::uint16_t> free_;  ///< The last one was used last: its memory is warm.
};

}  // namespace mcpwire::io::detail
