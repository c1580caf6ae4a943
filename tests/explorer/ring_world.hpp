// SPDX-License-Identifier: MIT
//
// RingWorld: two processes with a segment each, for the explorer. The code of both is ring/'s own;
// memory that an earlier lap has left behind is there, since old bytes are what a missing zero or a
// late store would show.
#pragma once

#include "ring/call_words.hpp"
#include "ring/spsc_ring.hpp"
#include "tests/explorer/explorer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace mcpwire::explorer {

/// Largest payload in the smallest ring; three of these records fill it.
inline constexpr std::uint32_t kLargest = ring::record_payload_bytes_max(ring::kRingBytesMin);

class RingWorld : public Program {
 public:
  std::span<std::byte> arena() override { return memory_; }
  std::string describe(std::uint32_t offset) const override;

 protected:
  static constexpr std::size_t kSides = 2;

  /// Both rings as after a lap of full records that ended at `start`, all of them read.
  void begin_at(std::uint64_t start);
  ring::SegmentMemory segment(std::size_t side) noexcept;

  /// Writes message `number` in place, as Producer::try_push() does. False: no room.
  /// `reserved` (0: as many as needed) bytes are asked for and scribbled over first.
  bool push(std::size_t side, std::uint64_t number, std::uint32_t bytes,
            std::uint32_t reserved = 0);
  /// Asks for as much as there can be, scribbles over it, and gives it up.
  void reserve_and_abort(std::size_t side);
  /// Takes the next message of `side`'s peer and fails if it is not `number`. False: none there.
  bool pop(std::size_t side, std::uint64_t number);

  ring::Producer& producer(std::size_t side) { return *producers_[side]; }
  ring::Consumer& consumer(std::size_t side) { return *consumers_[side]; }

 private:
  void lead_in(std::size_t side, std::uint64_t start);

  alignas(ring::kControlBytes)
      std::array<std::byte, kSides * ring::segment_bytes(ring::kRingBytesMin)> memory_{};
  std::array<std::optional<ring::Producer>, kSides> producers_;
  std::array<std::optional<ring::Consumer>, kSides> consumers_;
};

}  // namespace mcpwire::explorer
