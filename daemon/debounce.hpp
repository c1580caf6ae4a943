// SPDX-License-Identifier: MIT
//
// Debounce: many hits in a row become few: the first at once, the rest as one when it is quiet.
// Servers announce each of their tools by a list_changed of its own.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <functional>
#include <utility>

namespace mcpwire::daemon {

/// Quiet that ends a burst, and how long a burst without an end is kept back.
inline constexpr std::uint64_t kDebounceQuietNs = 100 * kNanosecondsPerMillisecond;
inline constexpr std::uint64_t kDebounceLongestNs = 1 * kNanosecondsPerSecond;

class Debounce final : private Timer {
 public:
  Debounce(EventLoop& loop, std::function<void()> fire) : loop_(loop), fire_(std::move(fire)) {}

  void hit() {
    const std::uint64_t now_ns = loop_.now_ns();
    if (!is_armed()) {
      fire_now(now_ns);
      return;
    }
    is_pending_ = true;
    const std::uint64_t latest_ns = fired_ns_ + kDebounceLongestNs;
    const std::uint64_t quiet_ns = now_ns + kDebounceQuietNs;
    loop_.arm(*this, quiet_ns < latest_ns ? quiet_ns : latest_ns);
  }

 private:
  void on_timer() override {
    if (std::exchange(is_pending_, false)) fire_now(loop_.now_ns());
  }
  void fire_now(std::uint64_t now_ns) {
    fired_ns_ = now_ns;
    loop_.arm(*this, now_ns + kDebounceQuietNs);
    fire_();
  }

  EventLoop& loop_;
  std::function<void()> fire_;
  std::uint64_t fired_ns_ = 0;
  bool is_pending_ = false;
};

}  // namespace mcpwire::daemon
