// SPDX-License-Identifier: MIT
//
// Fetching cache lines before they are used. A hint: it changes nothing that can be observed.
#pragma once

#include <cstddef>

namespace mcpwire::ring::detail {

/// Asks for the line of `address` in the state in which it can be written. __builtin_prefetch
/// would ask to read it on x86-64 without -mprfchw; the instruction itself is in every processor
/// of that architecture, on the oldest as one that does nothing.
inline void prefetch_for_write(const std::byte* address) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*address));
#else
  __builtin_prefetch(address, 1);
#endif
}

inline void prefetch_for_read(const std::byte* address) noexcept { __builtin_prefetch(address); }

}  // namespace mcpwire::ring::detail
