// SPDX-License-Identifier: MIT
//
// ChannelRings: the shared memory of one open channel and the daemon's ends of its rings.
// Threading: the loop's thread.
#pragma once

#include "io/detail/spin_budget.hpp"
#include "ring/call_words.hpp"
#include "ring/charge.hpp"
#include "ring/segment.hpp"
#include "ring/spsc_ring.hpp"

#include <utility>

namespace mcpwire::io::detail {

struct ChannelRings {
  /// `memory`: what both segments take of the client's share.
  ChannelRings(ring::OwnedSegment own_segment, ring::PeerSegment peer_segment,
               ring::Charge memory) noexcept
      : charge(std::move(memory)),
        own(std::move(own_segment)),
        peer(std::move(peer_segment)),
        producer(own.memory(), peer.memory()),
        consumer(own.memory(), peer.memory()),
        call_words(own.memory(), peer.memory()),
        spin_seat(own.memory()) {}

  ring::Charge charge;
  ring::OwnedSegment own;
  ring::PeerSegment peer;
  ring::Producer producer;
  ring::Consumer consumer;
  ring::DaemonCallWords call_words;
  SpinSeat spin_seat;
};

}  // namespace mcpwire::io::detail
