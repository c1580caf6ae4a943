// SPDX-License-Identifier: MIT
#include "io/detail/frame_allocator.hpp"

#include "protocol/base/recycling.hpp"

#include <array>
#include <new>

namespace mcpwire::io::detail {
namespace {

// Frames of 32..2048 bytes are kept; those of a call are 128 to 1,232 bytes, measured.
constexpr std::size_t kClassBytes = 64;
constexpr std::size_t kClassCount = 32;
// What a burst may leave behind per class; beyond it memory goes back to malloc.
constexpr std::size_t kKeptPerClassMax = 64;

struct FreeFrame {
  FreeFrame* next;
};

struct FreeLists {
  std::array<FreeFrame*, kClassCount> first{};
  std::array<std::size_t, kClassCount> count{};

  FreeLists() = default;
  FreeLists(const FreeLists&) = delete;
  FreeLists& operator=(const FreeLists&) = delete;
  ~FreeLists() {
    for (FreeFrame*& head : first) {
      while (head != nullptr) {
        FreeFrame* next = head->next;
        ::operator delete(head);
        head = next;
      }
    }
  }
};

thread_local FreeLists free_lists;

constexpr std::size_t class_of(std::size_t bytes) { return (bytes - 1) / kClassBytes; }

}  // namespace

void* allocate_frame(std::size_t bytes) {
  const std::size_t index = class_of(bytes);
  if (!kRecycleMemory || index >= kClassCount) return ::operator new(bytes);
  FreeFrame*& head = free_lists.first[index];
  if (head == nullptr) return ::operator new((index + 1) * kClassBytes);
  FreeFrame* frame = head;
  head = frame->next;
  --free_lists.count[index];
  return frame;
}

void free_frame(void* frame, std::size_t bytes) noexcept {
  const std::size_t index = class_of(bytes);
  if (!kRecycleMemory || index >= kClassCount || free_lists.count[index] >= kKeptPerClassMax) {
    ::operator delete(frame);
    return;
  }
  free_lists.first[index] = ::new (frame) FreeFrame{free_lists.first[index]};
  ++free_lists.count[index];
}

}  // namespace mcpwire::io::detail
