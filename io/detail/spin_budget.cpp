// SPDX-License-Identifier: MIT
#include "io/detail/spin_budget.hpp"

#include "protocol/base/seams/clock.hpp"

#include <algorithm>

namespace mcpwire::io::detail {
namespace {

/// A client that has asked nothing for so long has ended its spin in any case.
constexpr std::uint64_t kSilentNs = kNanosecondsPerMillisecond;

/// Long beside a wake-up, short beside what a person notices.
constexpr std::uint64_t kTurnNs = 20 * kNanosecondsPerMillisecond;

}  // namespace

void SpinBudget::set_spin_ns(std::uint64_t spin_ns) noexcept {
  spin_ns_ = std::max(spin_ns, ring::kSpinNsMin);
  seated_.for_each([this](SpinSeat& seat) { ring::publish_spin_leave(seat.own_, spin_ns_); });
}

void SpinBudget::wait_for_seat(SpinSeat& seat, std::uint64_t now_ns) noexcept {
  if (!seat.is_linked()) {
    waiting_.push_back(seat);
    ring::publish_spin_leave(seat.own_, ring::kSpinForbidden);
  }
  if (full_ns_ == now_ns) return;
  while (!waiting_.empty() && has_room(now_ns)) {
    if (!seat_next(now_ns)) return;
  }
  if (waiting_.empty()) return;
  full_ns_ = now_ns;
}

/// True if there is a seat now, one that was taken away included.
bool SpinBudget::has_room(std::uint64_t now_ns) noexcept {
  std::size_t taken = 0;
  SpinSeat* leaving = nullptr;
  seated_.for_each([&](SpinSeat& seat) {
    ++taken;
    const bool is_silent = seat.asked_ns_ + kSilentNs <= now_ns;
    const bool had_its_turn = seat.seated_ns_ + kTurnNs <= now_ns;
    if (leaving == nullptr && (is_silent || had_its_turn)) leaving = &seat;
  });
  if (taken < seats_) return true;
  if (leaving == nullptr) return false;
  leaving->unlink();
  leaving->seated_ns_ = 0;
  ring::publish_spin_leave(leaving->own_, ring::kSpinForbidden);
  return true;
}

/// False if nobody waits.
bool SpinBudget::seat_next(std::uint64_t now_ns) noexcept {
  while (SpinSeat* seat = waiting_.pop_front()) {
    // Whoever has been silent since waits again when it asks again.
    if (seat->asked_ns_ + kSilentNs <= now_ns) continue;
    seat->seated_ns_ = now_ns;
    seated_.push_back(*seat);
    ring::publish_spin_leave(seat->own_, spin_ns_);
    return true;
  }
  return false;
}

}  // namespace mcpwire::io::detail
