// SPDX-License-Identifier: MIT
#include "io/stop_ladder.hpp"

namespace mcpwire::io {

void StopLadder::start() {
  if (step_ != Step::kNotStarted) return;
  step_ = Step::kInputClosed;
  child_.standard_input().close();
  loop_.arm(*this, loop_.now_ns() + times_.after_close_ns);
}

void StopLadder::kill_now() {
  if (step_ >= Step::kKilled) return;
  step_ = Step::kKilled;
  loop_.disarm(*this);
  child_.standard_input().close();
  child_.signal_group(StopSignal::kKill);
}

void StopLadder::on_exited() noexcept {
  step_ = Step::kExited;
  loop_.disarm(*this);
}

void StopLadder::on_timer() {
  if (step_ == Step::kInputClosed) {
    step_ = Step::kTerminated;
    loop_.arm(*this, loop_.now_ns() + times_.after_terminate_ns);
    child_.signal_group(StopSignal::kTerminate);
  } else {
    kill_now();
  }
}

}  // namespace mcpwire::io
