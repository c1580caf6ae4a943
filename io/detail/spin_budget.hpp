// SPDX-License-Identifier: MIT
//
// SpinBudget: which clients may spin. A spinner takes processor time, so there are only so many
// seats for all clients of the machine. A client that asks takes a free seat, or one whose client
// has been silent; where all are busy they take turns. Who has none sleeps until it is rung. A
// client that is gone has left its seat.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/intrusive_list.hpp"
#include "ring/spin_leave.hpp"

#include <cstddef>
#include <cstdint>

namespace mcpwire::io::detail {

/// One client in the budget: seated, or waiting for a seat, or neither (and not linked).
class SpinSeat : public ListNode {
 public:
  explicit SpinSeat(ring::SegmentMemory own) noexcept : own_(own) {}

 private:
  friend class SpinBudget;
  ring::SegmentMemory own_;  ///< The daemon's segment, which this client maps.
  std::uint64_t asked_ns_ = 0;
  std::uint64_t seated_ns_ = 0;  ///< 0: not seated.
};

class SpinBudget {
 public:
  /// `seats` 0: nobody spins.
  SpinBudget(std::size_t seats, std::uint64_t spin_ns) noexcept
      : seats_(seats), spin_ns_(spin_ns) {}

  /// A client has come or asks for something at `now_ns`. Costs nothing for one that is seated.
  void on_request(SpinSeat& seat, std::uint64_t now_ns) noexcept {
    seat.asked_ns_ = now_ns;
    if (seat.seated_ns_ == 0) wait_for_seat(seat, now_ns);
  }

  /// How long those that are seated may spin from now on.
  void set_spin_ns(std::uint64_t spin_ns) noexcept;

 private:
  void wait_for_seat(SpinSeat& seat, std::uint64_t now_ns) noexcept;
  bool has_room(std::uint64_t now_ns) noexcept;
  bool seat_next(std::uint64_t now_ns) noexcept;

  const std::size_t seats_;
  std::uint64_t spin_ns_;
  std::uint64_t full_ns_ = 0;       ///< The turn in which there was no room: nothing changes in it.
  IntrusiveList<SpinSeat> seated_;  ///< Who was seated first comes first.
  IntrusiveList<SpinSeat> waiting_;  ///< In the order in which they came.
};

}  // namespace mcpwire::io::detail
