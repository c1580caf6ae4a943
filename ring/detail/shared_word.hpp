// SPDX-License-Identifier: MIT
//
// Access to words and headers in mapped memory. The memory order stands at the place of use, never
// here, so that a reader sees it beside its SYNC name. tests/explorer/ compiles the ring with a
// modelled twin of this file: what is added here is added there.
#pragma once

#include "protocol/request_header.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mcpwire::ring::detail {

static_assert(std::atomic_ref<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

inline std::atomic_ref<std::uint64_t> word(std::uint64_t& field) noexcept {
  return std::atomic_ref<std::uint64_t>(field);
}

/// Load-only access to a word in a read-only mapping. std::atomic_ref takes no const object before
/// C++26; a lock-free load does not write, and nothing else is offered here.
template <class T>
class ReadOnlyWord {
 public:
  explicit ReadOnlyWord(const T& field) noexcept : field_(const_cast<T&>(field)) {}
  T load(std::memory_order order) const noexcept { return field_.load(order); }

 private:
  std::atomic_ref<T> field_;
};

inline std::atomic_ref<std::uint32_t> commit_word(std::byte* record) noexcept {
  return std::atomic_ref<std::uint32_t>(
      *reinterpret_cast<std::uint32_t*>(record + offsetof(protocol::FrameHeader, commit)));
}

inline ReadOnlyWord<std::uint32_t> commit_word(const std::byte* record) noexcept {
  return ReadOnlyWord<std::uint32_t>(
      *reinterpret_cast<const std::uint32_t*>(record + offsetof(protocol::FrameHeader, commit)));
}

/// What a commit word may be, to decide about a prefetch and nothing else: whatever is read, the
/// ring behaves the same.
inline std::uint32_t commit_hint(const std::byte* record) noexcept {
  return commit_word(record).load(std::memory_order_relaxed);
}

/// Writes a header but for its commit word, which the peer may be polling.
inline void write_header(std::byte* record, const protocol::RequestHeader& header,
                         std::uint64_t correlation) noexcept {
  std::memcpy(record, &header, sizeof(header));
  std::memcpy(record + offsetof(protocol::FrameHeader, correlation), &correlation,
              sizeof(correlation));
}

/// Copies a header out of memory that a hostile peer may be changing. Atomic loads, so that the
/// compiler can neither repeat nor drop one; what arrives may be torn, and is checked as a copy.
inline protocol::FrameHeader copy_header(const std::byte* record) noexcept {
  std::array<std::uint64_t, sizeof(protocol::FrameHeader) / 8> words;
  const auto* source = reinterpret_cast<const std::uint64_t*>(record);
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = ReadOnlyWord<std::uint64_t>(source[i]).load(std::memory_order_relaxed);
  }
  return std::bit_cast<protocol::FrameHeader>(words);
}

}  // namespace mcpwire::ring::detail
