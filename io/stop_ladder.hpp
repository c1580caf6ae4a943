// SPDX-License-Identifier: MIT
//
// StopLadder: how a server is asked to leave: its standard input is closed, then its process group
// gets SIGTERM, then SIGKILL. Each step comes only if the one before did not help in time.
// Source of the order and the times: MCP 2025-11-25, lifecycle/shutdown (stdio), and its TypeScript
// SDK, which waits two seconds twice.
//
// Threading: the loop's thread.
// Invariants: steps only ever go down the ladder; after on_exited() nothing more is done.
#pragma once

#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <cstdint>

namespace mcpwire::io {

struct StopTimes {
  std::uint64_t after_close_ns = 2 * kNanosecondsPerSecond;
  std::uint64_t after_terminate_ns = 2 * kNanosecondsPerSecond;
};

class StopLadder final : private Timer {
 public:
  enum class Step : std::uint8_t { kNotStarted, kInputClosed, kTerminated, kKilled, kExited };

  /// `child` outlives the ladder.
  StopLadder(EventLoop& loop, ChildProcess& child, StopTimes times) noexcept
      : loop_(loop), child_(child), times_(times) {}

  /// Takes the first step. Starting again changes nothing.
  void start();
  /// Goes to SIGKILL at once, whatever the step.
  void kill_now();
  /// To be called by whoever observes the child's exit.
  void on_exited() noexcept;

  Step step() const noexcept { return step_; }

 private:
  void on_timer() override;

  EventLoop& loop_;
  ChildProcess& child_;
  StopTimes times_;
  Step step_ = Step::kNotStarted;
};

}  // namespace mcpwire::io
