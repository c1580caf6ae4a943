// SPDX-License-Identifier: MIT
//
// SlabPool: the sender's book about the slabs of one peer: which are free, which use of which slab
// is out. What they take is charged to the peer (ring/charge.hpp).
// The one decision: one slab carries one payload at a time, and each use has a number (the
// generation), so a credit that comes twice, or for what was never out, is told from a good one.
//
// Threading: the loop's thread.
// Invariants: the truth about what is out is here, never in memory that a peer can write.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/payload.hpp"
#include "ring/charge.hpp"
#include "ring/kernel_ability.hpp"
#include "ring/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace mcpwire::ring {

struct SlabLimits {
  std::size_t slabs_max = 16;
  std::uint64_t bytes_max = std::uint64_t{32} << 20;  ///< Sizes of the files, written or not.
};

class SlabPool {
 public:
  /// `charge`: what the pool holds of its peer's share; nothing yet.
  SlabPool(Charge charge, SlabLimits limits, KernelAbility no_exec_seal) noexcept
      : charge_(std::move(charge)), limits_(limits), no_exec_seal_(no_exec_seal) {}
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  /// One use of one slab, out until take_back().
  struct Grant {
    protocol::MappedDescriptor where;
    MutableByteSpan bytes;         ///< As many as were asked for; what the last use left in them.
    UniqueFd new_file;             ///< Of a slab that the peer does not know yet.
    std::uint64_t file_bytes = 0;  ///< Its size.
  };

  /// Room for a payload of `bytes`; nothing if none is free and none may be made. A slab that is
  /// made gets the number `next_slab`, which is moved on.
  std::optional<Grant> try_grant(std::uint64_t bytes, std::uint32_t& next_slab);

  /// The peer has done with one use. kInvalid/kProtocolViolation if that is not out.
  Result<void> take_back(std::uint32_t slab, std::uint32_t generation, std::uint64_t now_ns);

  struct SlabUse {
    std::uint32_t slab;
    std::uint32_t generation;
  };
  /// A slab that is free since `before_ns` or longer; the same one until it is dropped.
  std::optional<SlabUse> idle_since(std::uint64_t before_ns) const noexcept;
  /// Frees a slab that idle_since() named.
  void drop(const SlabUse& idle);

  bool empty() const noexcept { return slabs_.empty(); }
  std::size_t slab_count() const noexcept { return slabs_.size(); }

 private:
  struct Slab {
    OwnedSlab memory;
    std::uint32_t number;
    std::uint32_t generation;  ///< Of the last use.
    bool is_out;
    std::uint64_t free_since_ns;
  };

  static bool is_worn(const Slab& slab) noexcept;
  Slab* find_free(std::uint64_t bytes) noexcept;
  Slab* try_create(std::uint64_t bytes, std::uint32_t& next_slab);

  Charge charge_;  ///< The sizes of all files.
  SlabLimits limits_;
  KernelAbility no_exec_seal_;
  std::vector<Slab> slabs_;
};

}  // namespace mcpwire::ring
