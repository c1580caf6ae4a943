// SPDX-License-Identifier: MIT
#include "ring/detail/mapping.hpp"

#include "telemetry/system_calls.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>

namespace mcpwire::ring::detail {

Mapping::~Mapping() {
  if (base_ == nullptr) return;
  telemetry::count_system_call();
  ::munmap(base_, bytes_);
}

Result<Mapping> Mapping::create(int fd, std::size_t bytes, MapMode mode) {
  const int protection = mode == MapMode::kSharedReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
  const int sharing = mode == MapMode::kPrivateReadOnly ? MAP_PRIVATE : MAP_SHARED;
  telemetry::count_system_call();
  void* base = ::mmap(nullptr, bytes, protection, sharing, fd, 0);
  if (base == MAP_FAILED) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "mmap"));
  telemetry::count_system_call();
  ::madvise(base, bytes, MADV_DONTFORK);
  return Mapping(static_cast<std::byte*>(base), bytes);
}

void Mapping::populate(std::size_t offset, std::size_t bytes, MapMode mode) const noexcept {
  constexpr std::size_t kPageMask = 4095;  // Of x86-64; a larger page only makes madvise refuse.
  const std::size_t first = std::min(offset, bytes_) & ~kPageMask;
  const std::size_t end = std::min(offset + bytes, bytes_);
  const int advice = mode == MapMode::kSharedReadWrite ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
  telemetry::count_system_call();
  ::madvise(base_ + first, end - first, advice);
}

}  // namespace mcpwire::ring::detail
