// SPDX-License-Identifier: MIT
#include "io/detail/channel_slabs.hpp"

#include "io/detail/channel_outbox.hpp"

namespace mcpwire::io::detail {

void SlabKeeper::watch(ChannelSlabs& slabs) {
  if (slabs.is_linked()) return;
  in_use_.push_back(slabs);
  if (!Timer::is_armed()) loop_.arm(*this, loop_.now_ns() + options_.idle_ns);
}

void SlabKeeper::on_timer() {
  const std::uint64_t now = loop_.now_ns();
  in_use_.for_each([&](ChannelSlabs& slabs) {
    slabs.outbox_.retire_slabs(now > options_.idle_ns ? now - options_.idle_ns : 0);
    if (slabs.pool_.empty()) slabs.unlink();
  });
  if (!in_use_.empty()) loop_.arm(*this, now + options_.idle_ns);
}

std::optional<ring::SlabPool::Grant> ChannelSlabs::try_grant(std::uint64_t bytes,
                                                             std::uint32_t& next_slab) {
  auto grant = pool_.try_grant(bytes, next_slab);
  if (!grant) return std::nullopt;
  ++keeper_.counters_.in_slabs;
  if (grant->new_file) ++keeper_.counters_.new_slabs;
  keeper_.counters_.bytes_copied += bytes;
  keeper_.watch(*this);
  return grant;
}

}  // namespace mcpwire::io::detail
