// SPDX-License-Identifier: MIT
//
// Queues that hold objects of one type have no messages of a size known only at run time: each
// size of the plan is a type of its own.
#pragma once

#include "bench/peers/contender.hpp"

#include <array>
#include <cstddef>
#include <memory>

namespace mcpwire::peers {

template <std::size_t kBytes>
struct FixedMessage {
  std::array<std::byte, kBytes> bytes;
};

/// Messages that a queue of queue_bytes() holds.
template <std::size_t kBytes>
inline constexpr std::size_t kFixedCapacity = queue_bytes(kBytes) / kBytes;

/// A Contender<Message> for the sizes of the plan; null for any other.
template <template <std::size_t> class FixedContender>
std::unique_ptr<Contender> make_fixed(const LaneSetup& setup) {
  switch (setup.payload_bytes) {
    case 32:
      return std::make_unique<FixedContender<32>>(setup);
    case 64:
      return std::make_unique<FixedContender<64>>(setup);
    case 1024:
      return std::make_unique<FixedContender<1024>>(setup);
    case 64 * 1024:
      return std::make_unique<FixedContender<64 * 1024>>(setup);
    default:
      return nullptr;
  }
}

}  // namespace mcpwire::peers
