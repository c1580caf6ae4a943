// SPDX-License-Identifier: MIT
#include "io/detail/slot_pool.hpp"

#include "protocol/base/check.hpp"

#include <sys/mman.h>

#include <cstddef>

namespace mcpwire::io::detail {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

constexpr std::size_t round_up(std::size_t bytes) noexcept {
  return (bytes + SlotPool::kAlignment - 1) / SlotPool::kAlignment * SlotPool::kAlignment;
}

}  // namespace

/// In front of each object.
struct alignas(SlotPool::kAlignment) SlotPool::Slot {
  Chunk* chunk;
  Slot* next_free;

  void* memory() noexcept { return this + 1; }
  static Slot& of(void* memory) noexcept { return *(static_cast<Slot*>(memory) - 1); }
};

/// At the start of each mapping.
struct alignas(SlotPool::kAlignment) SlotPool::Chunk : ListNode {
  explicit Chunk(SlotPool& owner) noexcept : pool(owner) {}
  SlotPool& pool;
  Slot* free = nullptr;   ///< Given back.
  std::size_t begun = 0;  ///< Slots that were ever taken: pages behind them are untouched.
  std::size_t in_use = 0;
};

SlotPool::SlotPool(std::size_t slot_bytes) noexcept
    : stride_(sizeof(Slot) + round_up(slot_bytes)),
      slots_in_chunk_((kChunkBytes - sizeof(Chunk)) / stride_) {
  MCPWIRE_CHECK(slots_in_chunk_ >= 8);
}

SlotPool::~SlotPool() { MCPWIRE_CHECK(chunks_ == 0); }

void* SlotPool::try_take() noexcept {
  Chunk* chunk = roomy_.front();
  if (chunk == nullptr) chunk = try_map();
  if (chunk == nullptr) return nullptr;
  Slot* slot = chunk->free;
  if (slot != nullptr) {
    chunk->free = slot->next_free;
  } else {
    std::byte* const first = static_cast<std::byte*>(static_cast<void*>(chunk + 1));
    slot = ::new (first + chunk->begun++ * stride_) Slot{chunk, nullptr};
  }
  if (++chunk->in_use == slots_in_chunk_) chunk->unlink();
  return slot->memory();
}

void SlotPool::give_back(void* memory) noexcept {
  Slot& slot = Slot::of(memory);
  Chunk& chunk = *slot.chunk;
  SlotPool& pool = chunk.pool;
  slot.next_free = chunk.free;
  chunk.free = &slot;
  if (!chunk.is_linked()) pool.roomy_.push_front(chunk);
  if (--chunk.in_use == 0) pool.unmap(chunk);
}

SlotPool::Chunk* SlotPool::try_map() noexcept {
  void* const memory =
      mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const chunk = ::new (memory) Chunk(*this);
  roomy_.push_back(*chunk);
  ++chunks_;
  return chunk;
}

void SlotPool::unmap(Chunk& chunk) noexcept {
  std::destroy_at(&chunk);
  munmap(&chunk, kChunkBytes);
  --chunks_;
}

}  // namespace mcpwire::io::detail
