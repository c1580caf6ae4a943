// SPDX-License-Identifier: MIT
//
// SharedMemory: pages that a process and the children it forks afterwards all see, at the same
// address. What contenders without a transport of their own are placed in.
// Threading: a value.
#pragma once

#include "protocol/base/check.hpp"

#include <cstddef>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace mcpwire::peers {

class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes)
      : base_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)),
        bytes_(bytes) {
    MCPWIRE_CHECK(base_ != MAP_FAILED);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(base_, bytes_); }

  std::byte* data() const noexcept { return static_cast<std::byte*>(base_); }

 private:
  void* base_;
  std::size_t bytes_;
};

/// One T in shared memory. It is never destroyed: its other process may still use it.
template <class T>
class Shared {
 public:
  template <class... Arguments>
  explicit Shared(Arguments&&... arguments)
      : memory_(sizeof(T)), object_(new(memory_.data()) T(std::forward<Arguments>(arguments)...)) {}

  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }

 private:
  SharedMemory memory_;
  T* object_;
};

}  // namespace mcpwire::peers
