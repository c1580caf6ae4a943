// SPDX-License-Identifier: MIT
#include "io/large_line.hpp"

#include "telemetry/system_calls.hpp"

#include <sys/mman.h>

#include <array>

namespace mcpwire::io {

namespace detail {

struct LargeLineShelf {
  std::array<MutableByteSpan, LargeLinePool::kWarmLines> free;
  std::size_t free_count = 0;

  ~LargeLineShelf() {
    while (free_count != 0) unmap(free[--free_count]);
  }
  static std::size_t mapped_bytes(MutableByteSpan memory) noexcept {
    return memory.size() + LargeLinePool::kReadablePaddingBytes;
  }
  static void unmap(MutableByteSpan memory) noexcept {
    telemetry::count_system_call();
    ::munmap(memory.data(), mapped_bytes(memory));
  }
  void put(MutableByteSpan memory) noexcept {
    if (free_count == free.size()) return unmap(memory);
    if (memory.size() > LargeLinePool::kWarmBytesMax) {
      telemetry::count_system_call();
      ::madvise(memory.data() + LargeLinePool::kWarmBytesMax,
                mapped_bytes(memory) - LargeLinePool::kWarmBytesMax, MADV_DONTNEED);
    }
    free[free_count++] = memory;
  }
};

}  // namespace detail

LargeLine::~LargeLine() {
  if (shelf_ != nullptr) shelf_->put(memory_);
}

LargeLinePool::LargeLinePool() : shelf_(std::make_shared<detail::LargeLineShelf>()) {}
LargeLinePool::~LargeLinePool() = default;

std::optional<LargeLine> LargeLinePool::try_take(std::size_t bytes) {
  // The one that was used last: it is warm.
  while (shelf_->free_count != 0) {
    const MutableByteSpan memory = shelf_->free[--shelf_->free_count];
    if (memory.size() >= bytes) return LargeLine(shelf_, memory);
    detail::LargeLineShelf::unmap(memory);
  }
  telemetry::count_system_call();
  void* const memory = ::mmap(nullptr, bytes + kReadablePaddingBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return std::nullopt;
  // A child that is being started must not share pages that the kernel writes into.
  telemetry::count_system_call();
  ::madvise(memory, bytes + kReadablePaddingBytes, MADV_DONTFORK);
  return LargeLine(shelf_, {static_cast<std::byte*>(memory), bytes});
}

}  // namespace mcpwire::io
