// SPDX-License-Identifier: MIT
//
// SharedBlocks: one direction of blocks in shared memory, each a number and behind it, in the
// same cache line if it fits, a payload. No record, no check, no credit while the two ends take
// turns: what remains is the transfer of the lines.
// Threading: one writer, one reader.
// Ordering: [peers.block] the writer stores the number (release) behind the payload, the reader
//   loads it (acquire) before; [peers.consumed] the reader stores how far it is (release) when it
//   has read, the writer loads it (acquire) before it writes there again.
#pragma once

#include "bench/peers/shared_memory.hpp"
#include "protocol/base/bytes.hpp"

#include <atomic>
#include <cstdint>

namespace mcpwire::peers {

class SharedBlocks {
 public:
  /// `count` is a power of two. With one block nobody may be asked for room: the ends take turns.
  SharedBlocks(std::uint32_t payload_bytes, std::uint32_t count)
      : payload_bytes_(payload_bytes),
        count_(count),
        block_bytes_((kPayloadOffset + payload_bytes + kLinePairBytes - 1) & ~(kLinePairBytes - 1)),
        memory_(kLinePairBytes + block_bytes_ * count) {}

  MutableByteSpan payload(std::uint64_t number) const noexcept {
    return {block(number) + kPayloadOffset, payload_bytes_};
  }

  /// Numbers are 1, 2, ...
  std::atomic<std::uint32_t>& published(std::uint64_t number) const noexcept {
    return *reinterpret_cast<std::atomic<std::uint32_t>*>(block(number));
  }
  bool is_published(std::uint64_t number) const noexcept {
    return published(number).load(std::memory_order_acquire) == static_cast<std::uint32_t>(number);
  }
  void publish(std::uint64_t number) const noexcept {
    published(number).store(static_cast<std::uint32_t>(number), std::memory_order_release);
  }

  /// Writer, with more than one block.
  bool has_room_for(std::uint64_t number) noexcept {
    if (number <= known_consumed_ + count_) return true;
    known_consumed_ = consumed().load(std::memory_order_acquire);
    return number <= known_consumed_ + count_;
  }
  /// Reader; told to the writer after an eighth of the blocks.
  void consume(std::uint64_t number) const noexcept {
    if (count_ == 1 || number % (count_ < 8 ? 1 : count_ / 8) != 0) return;
    consumed().store(number, std::memory_order_release);
  }

 private:
  static constexpr std::size_t kPayloadOffset = sizeof(std::uint64_t);
  static constexpr std::size_t kLinePairBytes = 2 * kCacheLineBytes;

  std::byte* block(std::uint64_t number) const noexcept {
    return memory_.data() + kLinePairBytes + (number & (count_ - 1)) * block_bytes_;
  }
  std::atomic<std::uint64_t>& consumed() const noexcept {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.data());
  }

  std::uint32_t payload_bytes_;
  std::uint32_t count_;
  std::size_t block_bytes_;
  SharedMemory memory_;
  std::uint64_t known_consumed_ = 0;
};

}  // namespace mcpwire::peers
