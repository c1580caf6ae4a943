// SPDX-License-Identifier: MIT
//
// Liveness: when a daemon that says nothing is asked whether it lives, and when it counts as dead.
// Whoever waits without a deadline of its own would wait for ever for a daemon that is stopped.
// Pure bookkeeping: what is asked and what follows is client/detail/session's business.
//
// Threading: one thread.
#pragma once

#include "protocol/base/seams/clock.hpp"

#include <cstdint>

namespace mcpwire::client::detail {

class Liveness {
 public:
  /// kNever as `silence_ns`: never asks. `patience_ns`: for the answer.
  Liveness(std::uint64_t silence_ns, std::uint64_t patience_ns) noexcept
      : silence_ns_(silence_ns), patience_ns_(patience_ns) {}

  /// A new link: the daemon has just shaken hands.
  void restart(std::uint64_t now_ns) noexcept { hear(0, now_ns); }

  /// `frames`: taken off the link so far. More of them than last time prove life.
  void observe(std::uint64_t frames, std::uint64_t now_ns) noexcept {
    if (frames != frames_) hear(frames, now_ns);
  }

  /// When to look again.
  std::uint64_t due_ns() const noexcept {
    const std::uint64_t wait_ns = is_asked_ ? patience_ns_ : silence_ns_;
    return wait_ns >= kNever - since_ns_ ? kNever : since_ns_ + wait_ns;
  }

  enum class Duty : std::uint8_t { kNone, kAsk, kGiveUp };
  Duty duty(std::uint64_t now_ns) const noexcept {
    if (now_ns < due_ns()) return Duty::kNone;
    return is_asked_ ? Duty::kGiveUp : Duty::kAsk;
  }

  void asked(std::uint64_t now_ns) noexcept {
    is_asked_ = true;
    since_ns_ = now_ns;
  }

 private:
  void hear(std::uint64_t frames, std::uint64_t now_ns) noexcept {
    frames_ = frames;
    since_ns_ = now_ns;
    is_asked_ = false;
  }

  std::uint64_t silence_ns_;
  std::uint64_t patience_ns_;
  std::uint64_t frames_ = 0;
  std::uint64_t since_ns_ = 0;  ///< It was last heard, or asked.
  bool is_asked_ = false;
};

}  // namespace mcpwire::client::detail
