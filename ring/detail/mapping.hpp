// SPDX-License-Identifier: MIT
//
// Mapping: sole owner of a range of mapped memory; unmaps it exactly once.
// Threading: a value.
#pragma once

#include "protocol/base/result.hpp"

#include <cstddef>
#include <utility>

namespace mcpwire::ring::detail {

enum class MapMode {
  kSharedReadWrite,
  kSharedReadOnly,
  kPrivateReadOnly,
};

class Mapping {
 public:
  Mapping() noexcept = default;
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  /// Maps the first `bytes` of `fd`; the descriptor is not needed afterwards. A forked child does
  /// not inherit the mapping, so it cannot take part in our rings by accident.
  static Result<Mapping> create(int fd, std::size_t bytes, MapMode mode);

  /// Takes the page faults of the first `bytes` now. Best effort: kernels before 5.14 refuse.
  void populate(std::size_t bytes, MapMode mode) const noexcept { populate(0, bytes, mode); }
  /// The same for the pages that hold [offset, offset + bytes).
  void populate(std::size_t offset, std::size_t bytes, MapMode mode) const noexcept;

  std::byte* data() const noexcept { return base_; }
  std::size_t size() const noexcept { return bytes_; }

 private:
  Mapping(std::byte* base, std::size_t bytes) noexcept : base_(base), bytes_(bytes) {}

  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace mcpwire::ring::detail
