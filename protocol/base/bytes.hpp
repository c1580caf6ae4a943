// SPDX-License-Identifier: MIT
//
// Bytes: the one place where objects and text become byte ranges and back.
// Every multi-byte value on our wire is little-endian, and so is every machine we support; the
// static_assert below is what a port to another byte order has to face first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace mcpwire {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian");

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

/// 64 on every machine we run on. A constant of ours, because the standard's
/// hardware_destructive_interference_size would put a compiler flag into a shared-memory layout.
inline constexpr std::size_t kCacheLineBytes = 64;

inline std::string_view as_text(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteSpan as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

template <class T>
concept WireStruct = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> &&
                     std::has_unique_object_representations_v<T>;

/// The object's own bytes. WireStruct rules out padding, whose bytes would leak memory.
template <WireStruct T>
ByteSpan object_bytes(const T& object) noexcept {
  return {reinterpret_cast<const std::byte*>(&object), sizeof(T)};
}

/// Copies a T out of bytes that need not be aligned. REQUIRES: bytes.size() >= sizeof(T).
template <WireStruct T>
T load_object(ByteSpan bytes) noexcept {
  T object;
  std::memcpy(&object, bytes.data(), sizeof(T));
  return object;
}

/// Copies `source` to the start of `target`. REQUIRES: target.size() >= source.size().
inline void copy_bytes(MutableByteSpan target, ByteSpan source) noexcept {
  if (!source.empty()) std::memcpy(target.data(), source.data(), source.size());
}

}  // namespace mcpwire
