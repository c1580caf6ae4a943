// SPDX-License-Identifier: MIT
//
// StateHash: 128 bits that stand for all that happened so far. Two executions with the same hash
// are taken for the same; with 10^8 states the odds of a collision are below 10^-22.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mcpwire::explorer {

struct StateHash {
  std::uint64_t low = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t high = 0xc2b2'ae3d'27d4'eb4f;

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), once for each half.
  void mix(std::uint64_t value) noexcept {
    low = scramble(low ^ value);
    high = scramble(high + value * 0xff51'afd7'ed55'8ccd + 1);
  }

  bool operator==(const StateHash&) const = default;

 private:
  static constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
    x += 0x9e37'79b9'7f4a'7c15;
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
    return x ^ (x >> 31);
  }
};

struct StateHashOf {
  std::size_t operator()(const StateHash& hash) const noexcept { return hash.low; }
};

}  // namespace mcpwire::explorer
