// SPDX-License-Identifier: MIT
#include "io/system_random.hpp"

#include "protocol/base/check.hpp"

#include <sys/random.h>
#include <cerrno>
#include <utility>

namespace mcpwire::io {

std::uint64_t SystemRandom::next() noexcept {
  if (used_ == kBuffered) {
    ssize_t bytes = 0;
    do {
      bytes = getrandom(numbers_.data(), sizeof numbers_, 0);
    } while (bytes < 0 && errno == EINTR);
    // Above 256 bytes a signal may cut it short; what is missing is then fetched next time.
    MCPWIRE_CHECK(bytes >= static_cast<ssize_t>(sizeof(std::uint64_t)));
    const std::size_t fetched = static_cast<std::size_t>(bytes) / sizeof(std::uint64_t);
    used_ = kBuffered - fetched;
    // The fetched numbers stand at the front; hand out from there to keep one index.
    if (used_ != 0) {
      for (std::size_t index = fetched; index-- > 0;) numbers_[used_ + index] = numbers_[index];
    }
  }
  // Erased as it goes: a number handed out is not found in memory again.
  return std::exchange(numbers_[used_++], 0);
}

}  // namespace mcpwire::io
