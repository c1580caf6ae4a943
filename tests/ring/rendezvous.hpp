// SPDX-License-Identifier: MIT
//
// Rendezvous: how two threads of a test meet within nanoseconds, for races that last no longer.
#pragma once

#include "ring/segment_layout.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace mcpwire::ring {

/// Lets two threads start a step within nanoseconds of each other, which no barrier that sleeps
/// can: the store-buffer races below last that long. Each round meets three times: both sides read
/// what the other will write (so that the race's loads hit their caches and can be early), race,
/// compare.
class Rendezvous {
 public:
  static constexpr std::uint64_t kMeetings = 3;

  void meet(std::size_t self, std::uint64_t round, std::uint64_t meeting) {
    round = round * kMeetings + meeting;
    arrived_[self].round.store(round, std::memory_order_release);
    for (int looks = 0; arrived_[1 - self].round.load(std::memory_order_acquire) < round; ++looks) {
      if (looks % 4096 == 4095) std::this_thread::yield();
    }
  }

 private:
  struct alignas(kWordSpacingBytes) Place {
    std::atomic<std::uint64_t> round = 0;
  };
  Place arrived_[2];
};

/// Varies who is first, and by how much: the threads' steps differ in length.
inline void stagger(std::size_t self, std::uint64_t round) {
  const std::uint64_t steps = self == 0 ? round / 32 % 64 : round % 32;
  for (volatile std::uint64_t i = 0; i < steps; i = i + 1) {
  }
}

}  // namespace mcpwire::ring
