// SPDX-License-Identifier: MIT
//
// SlotPool: memory for objects of one size that many connections hold while they are used and give
// back when they fall idle. From the heap each would leave a hole between things that stay, and
// ten thousand idle connections would keep the memory of ten thousand busy ones; here it goes back
// to the kernel chunk by chunk.
//
// Threading: the loop's thread.
// Invariants: all slots are given back before the pool goes (checked).
#pragma once

#include "protocol/base/intrusive_list.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace mcpwire::io::detail {

class SlotPool {
 public:
  /// `slot_bytes` of each object, far less than a chunk (checked).
  explicit SlotPool(std::size_t slot_bytes) noexcept;
  ~SlotPool();
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  static constexpr std::size_t kAlignment = 64;  ///< A cache line: rings want one.

  /// Memory at kAlignment; null where the kernel gives none.
  void* try_take() noexcept;
  /// What try_take() gave, of whichever pool.
  static void give_back(void* memory) noexcept;

  std::size_t chunks() const noexcept { return chunks_; }

  struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
      std::destroy_at(object);
      give_back(object);
    }
  };
  template <class T>
  using Pointer = std::unique_ptr<T, Deleter>;

  /// Null where the kernel gives no memory. REQUIRES: sizeof(T) is at most `slot_bytes`.
  template <class T, class... Arguments>
  Pointer<T> try_make(Arguments&&... arguments) {
    static_assert(alignof(T) <= kAlignment);
    void* const memory = try_take();
    if (memory == nullptr) return nullptr;
    return Pointer<T>(::new (memory) T(std::forward<Arguments>(arguments)...));
  }

 private:
  struct Slot;
  struct Chunk;
  Chunk* try_map() noexcept;
  void unmap(Chunk& chunk) noexcept;

  std::size_t stride_;  ///< From slot to slot, the slot's own head included.
  std::size_t slots_in_chunk_;
  std::size_t chunks_ = 0;
  IntrusiveList<Chunk> roomy_;  ///< Chunks with a free slot.
};

}  // namespace mcpwire::io::detail
