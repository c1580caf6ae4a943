// SPDX-License-Identifier: MIT
#include "io/detail/buffer_group.hpp"

#include "protocol/base/check.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <bit>
#include <cerrno>

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

std::size_t round_up_to_page(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Result<void> BufferGroup::map(std::size_t head_bytes) {
  MCPWIRE_CHECK(std::has_single_bit(options_.count) && options_.count <= kCountMax);
  MCPWIRE_CHECK(options_.bytes_each > 0);
  const std::size_t head = round_up_to_page(head_bytes);
  const std::size_t buffer_bytes = std::size_t{options_.count} * options_.bytes_each;
  const std::size_t bytes = round_up_to_page(head + buffer_bytes + kReadablePaddingBytes);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(Error::from_errno(ErrorKind::kInternal, errno, "mmap"));
  // A child that is being started must not share pages that the kernel writes into.
  madvise(memory, bytes, MADV_DONTFORK);
  mapped_bytes_ = bytes;
  mapping_ = memory;
  buffers_ = static_cast<std::byte*>(memory) + head;
  return {};
}

BufferGroup::~BufferGroup() {
  if (mapping_ == nullptr) return;
  MCPWIRE_UNPOISON(buffers_, std::size_t{options_.count} * options_.bytes_each);
  munmap(mapping_, mapped_bytes_);
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
  make_free(buffer);
}

Result<std::unique_ptr<FreeBufferGroup>> FreeBufferGroup::create(
    const BufferGroupOptions& options) {
  std::unique_ptr<FreeBufferGroup> group(new FreeBufferGroup(options));
  TRY(group->map(0));
  for (std::uint32_t buffer = options.count; buffer > 0; --buffer) {
    group->give_back(static_cast<std::uint16_t>(buffer - 1));
  }
  return group;
}

std::optional<std::uint16_t> FreeBufferGroup::try_take() noexcept {
  if (free_.empty()) return std::nullopt;
  const std::uint16_t buffer = free_.back();
  free_.pop_back();
  return buffer;
}

MutableByteSpan FreeBufferGroup::room(std::uint16_t buffer) noexcept {
  MCPWIRE_UNPOISON(buffer_at(buffer), bytes_each());
  return {buffer_at(buffer), bytes_each()};
}

void FreeBufferGroup::close_room([[maybe_unused]] std::uint16_t buffer) noexcept {
  MCPWIRE_POISON(buffer_at(buffer), bytes_each());
}

}  // namespace mcpwire::io::detail
