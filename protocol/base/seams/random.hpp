// SPDX-License-Identifier: MIT
//
// Random: the seam through which random numbers are drawn, so that a test can replay a seed.
// Real one: io/system_random.hpp (getrandom).
#pragma once

#include <cstdint>

namespace mcpwire {

class Random {
 public:
  virtual ~Random() = default;
  /// 64 uniformly random bits.
  virtual std::uint64_t next() noexcept = 0;
};

}  // namespace mcpwire
