// SPDX-License-Identifier: MIT
#include "io/detail/buffer_group.hpp"

#include "protocol/base/check.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <bit>
#include <cerrno>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define MCPWIRE_POISON(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define MCPWIRE_UNPOISON(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#endif
#endif
#ifndef MCPWIRE_POISON
#define MCPWIRE_POISON(address, bytes) static_cast<void>(0)
#define MCPWIRE_UNPOISON(address, bytes) static_cast<void>(0)
#endif

namespace mcpwire::io::detail {
namespace {

constexpr std::uint32_t kCountMax = 32768;  // The kernel's limit for one group.

std::size_t round_up_to_page(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Result<std::unique_ptr<BufferGroup>> BufferGroup::create(io_uring& ring, std::uint16_t id,
                                                         const BufferGroupOptions& options) {
  MCPWIRE_CHECK(std::has_single_bit(options.count) && options.count <= kCountMax);
  MCPWIRE_CHECK(options.bytes_each > 0);
  std::unique_ptr<BufferGroup> group(new BufferGroup(id, options));
  const std::size_t ring_bytes = round_up_to_page(options.count * sizeof(io_uring_buf));
  const std::size_t buffer_bytes = std::size_t{options.count} * options.bytes_each;
  const std::size_t bytes = round_up_to_page(ring_bytes + buffer_bytes + kReadablePaddingBytes);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(Error::from_errno(ErrorKind::kInternal, errno, "mmap"));
  // A child that is being started must not share pages that the kernel writes into.
  madvise(memory, bytes, MADV_DONTFORK);
  group->mapped_bytes_ = bytes;
  group->ring_ = static_cast<io_uring_buf_ring*>(memory);
  group->buffers_ = static_cast<std::byte*>(memory) + ring_bytes;

  io_uring_buf_reg registration{};
  registration.ring_addr = std::bit_cast<std::uintptr_t>(memory);
  registration.ring_entries = options.count;
  registration.bgid = id;
  if (const int error = io_uring_register_buf_ring(&ring, &registration, 0); error < 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, -error, "io_uring_register_buf_ring"));
  }
  io_uring_buf_ring_init(group->ring_);
  for (std::uint32_t buffer = 0; buffer < options.count; ++buffer) {
    group->give_back(static_cast<std::uint16_t>(buffer));
  }
  return group;
}

BufferGroup::~BufferGroup() {
  if (ring_ == nullptr) return;
  MCPWIRE_UNPOISON(buffers_, std::size_t{options_.count} * options_.bytes_each);
  munmap(ring_, mapped_bytes_);
}

ByteSpan BufferGroup::open(std::uint16_t buffer, std::size_t bytes) noexcept {
  MCPWIRE_CHECK(buffer < options_.count);
  MCPWIRE_CHECK(bytes <= options_.bytes_each);
  MCPWIRE_UNPOISON(buffer_at(buffer), bytes);
  return {buffer_at(buffer), bytes};
}

void BufferGroup::give_back(std::uint16_t buffer) noexcept {
  MCPWIRE_CHECK(buffer < options_.count);
  MCPWIRE_POISON(buffer_at(buffer), options_.bytes_each);
  io_uring_buf_ring_add(ring_, buffer_at(buffer), options_.bytes_each, buffer,
                        io_uring_buf_ring_mask(options_.count), 0);
  io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace mcpwire::io::detail
