// SPDX-License-Identifier: MIT
#include "io/sleep.hpp"

#include "io/one_shot.hpp"
#include "protocol/base/seams/clock.hpp"

namespace mcpwire::io {
namespace {

class WakeTimer final : public Timer {
 public:
  explicit WakeTimer(OneShot<void>& shot) noexcept : shot_(shot) {}
  void on_timer() override { shot_.resolve({}); }

 private:
  OneShot<void>& shot_;
};

}  // namespace

// Loop and scope outlive every task that runs on them.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<void>> sleep_until(EventLoop& loop, CancelScope& scope, std::uint64_t deadline_ns) {
  OneShot<void> shot(loop);
  WakeTimer timer(shot);
  if (deadline_ns != kNever) loop.arm(timer, deadline_ns);
  co_return co_await shot.wait(scope);
}

void DeadlineTimer::set(std::uint64_t deadline_ns) {
  if (deadline_ns == kNever) {
    loop_.disarm(*this);
  } else {
    loop_.arm(*this, deadline_ns);
  }
}

}  // namespace mcpwire::io
