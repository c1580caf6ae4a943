// SPDX-License-Identifier: MIT
//
// SlabPool: the sender's book about the slabs of one peer: which are free, which use of which slab
// is out. SlabBudget: what the slabs of all peers may take together.
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
#include "ring/kernel_ability.hpp"
#include "ring/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mcpwire::ring {

class SlabBudget {
 public:
  explicit SlabBudget(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}
  bool try_take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept;
  std::uint64_t used_bytes() const noexcept { return used_bytes_; }

 private:
  std::uint64_t bytes_max_;
  std::uint64_t used_bytes_ = 0;
};

struct SlabLimits {
  std::size_t slabs_max = 16;
  std::uint64_t bytes_max = std::uint64_t{32} << 20;  ///< Sizes of the files, written or not.
};

class SlabPool {
 public:
  /// `budget` outlives the pool.
  SlabPool(SlabBudget& budget, SlabLimits limits, KernelAbility no_exec_seal) noexcept
      : budget_(budget), limits_(limits), no_exec_seal_(no_exec_seal) {}
  ~SlabPool();
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

  SlabBudget& budget_;
  SlabLimits limits_;
  KernelAbility no_exec_seal_;
  std::vector<Slab> slabs_;
  std::uint64_t bytes_ = 0;
};

}  // namespace mcpwire::ring
