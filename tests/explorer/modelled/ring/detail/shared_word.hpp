// SPDX-License-Identifier: MIT
//
// The twin of ring/detail/shared_word.hpp that tests/explorer/ compiles the ring with: the same
// names, but every access goes to the modelled memory, with the place it stands at. What is not
// here does not compile, so no access of the ring can bypass the model.
#pragma once

#include "protocol/request_header.hpp"
#include "tests/explorer/explorer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>

namespace mcpwire::ring::detail {

template <class T>
class ReadOnlyWord {
 public:
  explicit ReadOnlyWord(const T& field) noexcept : field_(&field) {}
  T load(std::memory_order order,
         std::source_location where = std::source_location::current()) const noexcept {
    return static_cast<T>(explorer::atomic_load(field_, sizeof(T), order, where));
  }

 private:
  const T* field_;
};

template <class T>
class Word : public ReadOnlyWord<T> {
 public:
  explicit Word(T& field) noexcept : ReadOnlyWord<T>(field), writable_(&field) {}
  void store(T value, std::memory_order order,
             std::source_location where = std::source_location::current()) const noexcept {
    explorer::atomic_store(writable_, sizeof(T), value, order, where);
  }

 private:
  T* writable_;
};

inline Word<std::uint64_t> word(std::uint64_t& field) noexcept {
  return Word<std::uint64_t>(field);
}

inline Word<std::uint32_t> commit_word(std::byte* record) noexcept {
  return Word<std::uint32_t>(
      *reinterpret_cast<std::uint32_t*>(record + offsetof(protocol::FrameHeader, commit)));
}

inline ReadOnlyWord<std::uint32_t> commit_word(const std::byte* record) noexcept {
  return ReadOnlyWord<std::uint32_t>(
      *reinterpret_cast<const std::uint32_t*>(record + offsetof(protocol::FrameHeader, commit)));
}

/// No access of the model: it decides about a prefetch only.
inline std::uint32_t commit_hint(const std::byte*) noexcept { return 0; }

inline constexpr std::size_t kCorrelationOffset = offsetof(protocol::FrameHeader, correlation);

inline void write_header(std::byte* record, const protocol::RequestHeader& header,
                         std::uint64_t correlation) noexcept {
  std::memcpy(record, &header, sizeof(header));
  explorer::plain_wrote(record, sizeof(header));
  std::memcpy(record + kCorrelationOffset, &correlation, sizeof(correlation));
  explorer::plain_wrote(record + kCorrelationOffset, sizeof(correlation));
}

/// The commit word lies in the middle of what is copied; nobody looks at the copy of it.
inline protocol::FrameHeader copy_header(const std::byte* record) noexcept {
  explorer::plain_read(record, sizeof(protocol::RequestHeader));
  explorer::plain_read(record + kCorrelationOffset, sizeof(std::uint64_t));
  protocol::FrameHeader header;
  std::memcpy(&header, record, sizeof(header));
  header.commit = 0;
  return header;
}

}  // namespace mcpwire::ring::detail
