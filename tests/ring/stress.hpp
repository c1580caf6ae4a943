// SPDX-License-Identifier: MIT
//
// What the stress tests have in common: how long they are, and their random part, which repeats
// itself with the seed that it printed (MCPWIRE_SEED=n).
#pragma once

#include "ring/segment_layout.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>

namespace mcpwire::ring {

// Sanitizers make every step many times as long.
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr std::uint64_t kScale = 1;
inline constexpr std::uint64_t kRaceRounds = 5'000;
#else
inline constexpr std::uint64_t kScale = 5;
inline constexpr std::uint64_t kRaceRounds = 200'000;
#endif

inline std::uint64_t stress_seed() {
  const char* text = std::getenv("MCPWIRE_SEED");
  return text == nullptr ? std::random_device{}() : std::strtoull(text, nullptr, 10);
}

/// Any size a ring may have, 4 KiB to 1 MiB.
inline std::uint32_t random_ring_bytes(std::mt19937_64& random) {
  constexpr int kSizes = std::countr_zero(kRingBytesMax) - std::countr_zero(kRingBytesMin) + 1;
  return kRingBytesMin << random() % kSizes;
}

inline std::size_t payload_bytes(std::uint64_t i, std::uint32_t bytes_max) {
  return (i * 2654435761u >> 7) % (bytes_max + 1);
}

}  // namespace mcpwire::ring
