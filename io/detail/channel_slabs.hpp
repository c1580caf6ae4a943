// SPDX-License-Identifier: MIT
//
// ChannelSlabs: the slabs of one client, charged to its process. SlabKeeper: the timer that gives
// back those of clients that are quiet.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "ring/charge.hpp"
#include "ring/slab_pool.hpp"

#include <cstdint>
#include <optional>

namespace mcpwire::io::detail {

class ChannelOutbox;
class ChannelSlabs;

struct SlabKeeperOptions {
  ring::SlabLimits per_client;
  /// One that lies unused for so long is given up, up to as long again later.
  std::uint64_t idle_ns = 10 * kNanosecondsPerSecond;
};

/// How large payloads left, since the start.
struct LargePayloadCounters {
  std::uint64_t in_slabs = 0;      ///< Copied once, into memory that the client has mapped.
  std::uint64_t new_slabs = 0;     ///< Of them: into a slab that was made for it.
  std::uint64_t bytes_copied = 0;  ///< Into slabs.
};

class SlabKeeper final : private Timer {
 public:
  SlabKeeper(EventLoop& loop, SlabKeeperOptions options) noexcept
      : loop_(loop), options_(options) {}

  const LargePayloadCounters& counters() const noexcept { return counters_; }

 private:
  friend class ChannelSlabs;
  void watch(ChannelSlabs& slabs);
  void on_timer() override;

  EventLoop& loop_;
  SlabKeeperOptions options_;
  IntrusiveList<ChannelSlabs> in_use_;
  LargePayloadCounters counters_;
};

class ChannelSlabs final : public ListNode {
 public:
  /// All three outlive the slabs.
  ChannelSlabs(SlabKeeper& keeper, ChannelOutbox& outbox, ring::QuotaAccount& account) noexcept
      : keeper_(keeper),
        outbox_(outbox),
        pool_(ring::Charge(account, ring::Resource::kSlabBytes), keeper.options_.per_client,
              ring::KernelAbility::kUseIfPresent) {}

  std::optional<ring::SlabPool::Grant> try_grant(std::uint64_t bytes, std::uint32_t& next_slab);
  Result<void> take_back(std::uint32_t slab, std::uint32_t generation) {
    return pool_.take_back(slab, generation, keeper_.loop_.now_ns());
  }
  ring::SlabPool& pool() noexcept { return pool_; }

 private:
  friend class SlabKeeper;
  SlabKeeper& keeper_;
  ChannelOutbox& outbox_;
  ring::SlabPool pool_;
};

}  // namespace mcpwire::io::detail
