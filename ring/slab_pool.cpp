// SPDX-License-Identifier: MIT
#include "ring/slab_pool.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace mcpwire::ring {

/// Its uses can no longer be told apart: there is no number for another one.
bool SlabPool::is_worn(const Slab& slab) noexcept {
  return slab.generation == std::numeric_limits<std::uint32_t>::max();
}

/// The smallest that is large enough; of equals the one that was used last, for its pages are warm.
SlabPool::Slab* SlabPool::find_free(std::uint64_t bytes) noexcept {
  Slab* best = nullptr;
  for (Slab& slab : slabs_) {
    const std::size_t size = slab.memory.memory().size();
    if (slab.is_out || size < bytes || is_worn(slab)) continue;
    const bool is_better =
        best == nullptr || size < best->memory.memory().size() ||
        (size == best->memory.memory().size() && slab.free_since_ns > best->free_since_ns);
    if (is_better) best = &slab;
  }
  return best;
}

SlabPool::Slab* SlabPool::try_create(std::uint64_t bytes, std::uint32_t& next_slab) {
  const std::uint64_t size = slab_class_bytes(bytes);
  const std::uint64_t before = charge_.amount();
  const bool has_room = size != 0 && slabs_.size() < limits_.slabs_max &&
                        before <= limits_.bytes_max && size <= limits_.bytes_max - before;
  if (!has_room || !charge_.try_set(before + size)) return nullptr;
  Result<OwnedSlab> memory = OwnedSlab::create(size, no_exec_seal_);
  if (!memory) {
    // Refused by the kernel: the caller has other ways.
    charge_.set(before);
    return nullptr;
  }
  slabs_.push_back({*std::move(memory), next_slab++, 0, false, 0});
  return &slabs_.back();
}

std::optional<SlabPool::Grant> SlabPool::try_grant(std::uint64_t bytes, std::uint32_t& next_slab) {
  Slab* slab = find_free(bytes);
  if (slab == nullptr) slab = try_create(bytes, next_slab);
  if (slab == nullptr) return std::nullopt;
  ++slab->generation;
  slab->is_out = true;
  slab->memory.populate(static_cast<std::size_t>(bytes));
  const MutableByteSpan memory = slab->memory.memory();
  return Grant{{slab->number, slab->generation, 0, bytes},
               memory.first(static_cast<std::size_t>(bytes)),
               slab->memory.take_fd(),
               memory.size()};
}

Result<void> SlabPool::take_back(std::uint32_t slab, std::uint32_t generation,
                                 std::uint64_t now_ns) {
  const auto found = std::ranges::find(slabs_, slab, &Slab::number);
  if (found == slabs_.end() || !found->is_out || found->generation != generation) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("credit for a slab that is not out"));
  }
  found->is_out = false;
  found->free_since_ns = now_ns;
  return {};
}

std::optional<SlabPool::SlabUse> SlabPool::idle_since(std::uint64_t before_ns) const noexcept {
  for (const Slab& slab : slabs_) {
    if (!slab.is_out && (is_worn(slab) || slab.free_since_ns <= before_ns)) {
      return SlabUse{slab.number, slab.generation};
    }
  }
  return std::nullopt;
}

void SlabPool::drop(const SlabUse& idle) {
  const auto found = std::ranges::find(slabs_, idle.slab, &Slab::number);
  MCPWIRE_CHECK(found != slabs_.end() && !found->is_out);
  const std::uint64_t size = found->memory.memory().size();
  slabs_.erase(found);
  charge_.set(charge_.amount() - size);
}

}  // namespace mcpwire::ring
