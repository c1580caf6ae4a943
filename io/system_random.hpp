// SPDX-License-Identifier: MIT
//
// SystemRandom: the kernel's random numbers behind the Random seam, fetched 512 bytes at a time
// (a system call per number would cost more than most of their uses).
// Threading: one thread. After a fork the child must make its own.
#pragma once

#include "protocol/base/seams/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mcpwire::io {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() noexcept override;

 private:
  static constexpr std::size_t kBuffered = 64;
  std::array<std::uint64_t, kBuffered> numbers_{};
  std::size_t used_ = kBuffered;
};

}  // namespace mcpwire::io
