// SPDX-License-Identifier: MIT
#include "tests/support/fake_event_loop.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>

namespace mcpwire::test_support {
namespace {
constexpr std::size_t kStepsMax = 1'000'000;
}

void FakeEventLoop::post(Runnable& work) {
  if (!work.is_linked()) ready_.push_back(work);
}

void FakeEventLoop::arm(Timer& timer, std::uint64_t deadline_ns) {
  timers_.arm(timer, deadline_ns);
}

void FakeEventLoop::disarm(Timer& timer) noexcept { timers_.disarm(timer); }

bool FakeEventLoop::run_one() {
  Runnable* work = ready_.pop_front();
  if (work == nullptr) return false;
  work->run();
  return true;
}

void FakeEventLoop::run_until_idle() {
  for (std::size_t steps = 0;; ++steps) {
    MCPWIRE_CHECK(steps < kStepsMax);
    if (run_one()) continue;
    Timer* timer = timers_.pop_due(now_ns_);
    if (timer == nullptr) return;
    timer->on_timer();
  }
}

void FakeEventLoop::advance_ns(std::uint64_t delta_ns) {
  const std::uint64_t target = now_ns_ + delta_ns;
  run_until_idle();
  while (timers_.next_deadline_ns() <= target) advance_to_next_timer();
  now_ns_ = std::max(now_ns_, target);
}

bool FakeEventLoop::advance_to_next_timer() {
  const std::uint64_t next = timers_.next_deadline_ns();
  if (next == kNever) return false;
  now_ns_ = std::max(now_ns_, next);
  run_until_idle();
  return true;
}

}  // namespace mcpwire::test_support
