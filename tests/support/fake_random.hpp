// SPDX-License-Identifier: MIT
//
// FakeRandom: xoshiro256** from a seed that the test prints and can be given back.
// Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators" (2021).
// Threading: a value; one thread.
#pragma once

#include "protocol/base/seams/random.hpp"

#include <array>
#include <cstdint>

namespace mcpwire::test_support {

class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept override;
  /// Uniform in [0, bound) up to a bias below 2^-32 for the bounds of tests. REQUIRES: bound >= 1.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace mcpwire::test_support
