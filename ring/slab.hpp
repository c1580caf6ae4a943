// SPDX-License-Identifier: MIT
//
// OwnedSlab: a memory file that carries one large payload after another to one peer. Only its owner
// can write it; the peer maps it once and reads in place. Fresh pages cost about 1.4 us per 4 KiB,
// so a slab that is used again is worth five to six that are not (docs/adr/0010).
//
// Threading: values of one thread; the memory they show is shared with the peer.
// Invariants: a slab belongs to one peer for life; what it held is never shown to another.
// Memory: pages come into being when they are first written. A sealed file cannot give single pages
// back: drop the slab when it idles.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/detail/mapping.hpp"
#include "ring/kernel_ability.hpp"

#include <array>
#include <cstdint>

namespace mcpwire::ring {

/// Sizes of slabs. What is larger than the last travels in a sealed file of its own
/// (ring/sealed_payload.hpp). A large class costs what was written of it, not its size.
inline constexpr std::array<std::uint64_t, 5> kSlabClassBytes = {
    std::uint64_t{64} << 10, std::uint64_t{256} << 10, std::uint64_t{1} << 20,
    std::uint64_t{4} << 20, std::uint64_t{16} << 20};

/// The smallest class that holds `bytes`; 0 if none does.
constexpr std::uint64_t slab_class_bytes(std::uint64_t bytes) noexcept {
  for (const std::uint64_t size : kSlabClassBytes) {
    if (bytes <= size) return size;
  }
  return 0;
}

class OwnedSlab {
 public:
  /// `bytes`: one of kSlabClassBytes. kOverloaded or kUnsupported when the kernel refuses memory.
  static Result<OwnedSlab> create(std::uint64_t bytes,
                                  KernelAbility no_exec_seal = KernelAbility::kUseIfPresent);

  MutableByteSpan memory() const noexcept { return {mapping_.data(), mapping_.size()}; }
  /// Takes the page faults of the first `bytes` at once; those that were taken cost nothing.
  void populate(std::size_t bytes) noexcept;
  /// To be sent to the peer, once; the slab does not need it.
  UniqueFd take_fd() noexcept { return std::move(fd_); }

 private:
  OwnedSlab(UniqueFd fd, detail::Mapping mapping) noexcept
      : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

  UniqueFd fd_;
  detail::Mapping mapping_;
  std::size_t populated_bytes_ = 0;
};

}  // namespace mcpwire::ring
