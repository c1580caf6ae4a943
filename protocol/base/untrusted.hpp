// SPDX-License-Identifier: MIT
//
// Untrusted<T>: a number that a peer wrote. It was read once; it can be used only after a check.
#pragma once

#include <concepts>
#include <optional>

namespace mcpwire {

template <std::unsigned_integral T>
class Untrusted {
 public:
  explicit constexpr Untrusted(T value) noexcept : value_(value) {}

  /// The value if it is at most `max`, nothing otherwise.
  constexpr std::optional<T> checked(T max) const noexcept {
    return value_ <= max ? std::optional<T>(value_) : std::nullopt;
  }
  /// The value if it lies in [min, max], nothing otherwise.
  constexpr std::optional<T> checked(T min, T max) const noexcept {
    return value_ >= min && value_ <= max ? std::optional<T>(value_) : std::nullopt;
  }

 private:
  T value_;
};

}  // namespace mcpwire
