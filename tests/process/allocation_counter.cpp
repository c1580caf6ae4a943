// SPDX-License-Identifier: MIT
//
// A library to be preloaded into mcpwired: replaces operator new and counts, in a file that a test
// has mapped, how often it was called (first word) and how many bytes are in use (second). The
// whole program is counted, third-party libraries included.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

/// Null in every program but the daemon.
std::atomic<std::uint64_t>* counter() noexcept {
  static std::atomic<std::uint64_t>* const word = []() -> std::atomic<std::uint64_t>* {
    const char* const path = std::getenv("MCPWIRE_TEST_ALLOCATIONS");
    if (path == nullptr || std::strcmp(program_invocation_short_name, "mcpwired") != 0) {
      return nullptr;
    }
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return nullptr;
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    return page == MAP_FAILED ? nullptr : static_cast<std::atomic<std::uint64_t>*>(page);
  }();
  return word;
}

/// glibc's head in front of each piece.
constexpr std::size_t kHeadBytes = 8;

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t)) {
    memory = std::malloc(bytes == 0 ? 1 : bytes);
  } else if (::posix_memalign(&memory, alignment, bytes) != 0) {
    memory = nullptr;
  }
  if (memory == nullptr) std::abort();
  if (auto* const count = counter()) {
    count[0].fetch_add(1, std::memory_order_relaxed);
    count[1].fetch_add(malloc_usable_size(memory) + kHeadBytes, std::memory_order_relaxed);
  }
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  if (auto* const count = counter()) {
    count[1].fetch_sub(malloc_usable_size(memory) + kHeadBytes, std::memory_order_relaxed);
  }
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, 1); }
void* operator new[](std::size_t bytes) { return allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes, 1); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes, 1);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
