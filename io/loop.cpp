// SPDX-License-Identifier: MIT
#include "io/loop.hpp"

#include "io/detail/uring.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/system_clock.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace mcpwire::io {
namespace {

// What one turn runs at most of each kind before it looks at the kernel again.
constexpr std::size_t kReadyPerTurnMax = 256;
constexpr std::size_t kTimersPerTurnMax = 256;
/// Of pollers that had something to do: with 32 pings each about 75 us.
constexpr std::size_t kBusyPollersPerTurnMax = 16;

// Looks between two clock reads while spinning; a look costs about 5 ns, the clock about 25 ns.
constexpr int kLooksPerClockRead = 16;

void relax_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create(const LoopOptions& options) {
  const KernelFeatures features = probe_kernel_features(options.hidden_features);
  std::unique_ptr<detail::Uring> uring = TRY(detail::Uring::create(options, features));
  const bool may_spin = std::thread::hardware_concurrency() > 1;
  return std::unique_ptr<Loop>(new Loop(std::move(uring), features, may_spin));
}

Loop::Loop(std::unique_ptr<detail::Uring> uring, KernelFeatures features, bool may_spin) noexcept
    : uring_(std::move(uring)),
      features_(features),
      may_spin_(may_spin),
      now_ns_(monotonic_now_ns()) {}

Loop::~Loop() { MCPWIRE_CHECK(!in_turn_); }

void Loop::run() {
  while (!stopping_) turn(kNever, AfterWork::kWait);
  stopping_ = false;
}

bool Loop::run_once(std::uint64_t max_wait_ns) { return turn(max_wait_ns, AfterWork::kReturn); }

bool Loop::turn(std::uint64_t max_wait_ns, AfterWork after_work) {
  MCPWIRE_CHECK(!in_turn_);
  in_turn_ = true;
  ++counters_.turns;
  now_ns_ = monotonic_now_ns();
  bool worked = run_ready();
  worked |= run_timers();
  worked |= run_pollers();
  if (turn_observer_ != nullptr) turn_observer_->on_turn(monotonic_now_ns() - now_ns_);

  // What the turn has just prepared is submitted by the same kernel entry that waits; what a poller
  // or timer left over keeps the loop from blocking by itself.
  const bool returns = worked && after_work == AfterWork::kReturn;
  if (returns || stopping_ || has_ready()) max_wait_ns = 0;
  worked |= wait_for_work(max_wait_ns);
  now_ns_ = monotonic_now_ns();
  const std::size_t completions = uring_->dispatch();
  counters_.completions += completions;
  in_turn_ = false;
  return worked || completions > 0;
}

void Loop::post(Runnable& work) {
  if (!work.is_linked()) ready_.push_back(work);
}

void Loop::post_next_turn(Runnable& work) {
  if (!work.is_linked()) next_turn_.push_back(work);
}

void Loop::arm(Timer& timer, std::uint64_t deadline_ns) { timers_.arm(timer, deadline_ns); }

void Loop::disarm(Timer& timer) noexcept { timers_.disarm(timer); }

void Loop::add_poller(Poller& poller) { pollers_.push_front(poller); }

void Loop::hint_spin_until(std::uint64_t deadline_ns) noexcept {
  spin_until_ns_ = std::max(spin_until_ns_, deadline_ns);
}

bool Loop::has_small_queues() const noexcept { return uring_->has_small_queues(); }

LoopCounters Loop::counters() const noexcept {
  LoopCounters counters = counters_;
  counters.kernel_enters = uring_->kernel_enters();
  return counters;
}

bool Loop::run_ready() {
  std::size_t count = 0;
  while (Runnable* work = next_turn_.pop_front()) ready_.push_back(*work);
  while (count < kReadyPerTurnMax) {
    Runnable* work = ready_.pop_front();
    if (work == nullptr) break;
    ++count;
    work->run();
  }
  return count > 0;
}

bool Loop::run_timers() {
  std::size_t count = 0;
  while (count < kTimersPerTurnMax) {
    Timer* timer = timers_.pop_due(now_ns_);
    if (timer == nullptr) break;
    ++count;
    timer->on_timer();
  }
  return count > 0;
}

bool Loop::run_pollers() {
  // In lists all the time, because poll() may remove or destroy any poller, itself included.
  IntrusiveList<Poller> current;
  IntrusiveList<Poller> idle;
  IntrusiveList<Poller> busy;
  std::size_t busy_count = 0;
  while (busy_count < kBusyPollersPerTurnMax) {
    Poller* poller = pollers_.pop_front();
    if (poller == nullptr) break;
    current.push_back(*poller);
    const bool worked = poller->poll();
    if (worked) ++busy_count;
    if (Poller* still = current.pop_front()) (worked ? busy : idle).push_back(*still);
  }
  // First those that were not reached, then those that had nothing, which are rarely in the way.
  while (Poller* poller = idle.pop_front()) pollers_.push_back(*poller);
  while (Poller* poller = busy.pop_front()) pollers_.push_back(*poller);
  return busy_count > 0;
}

bool Loop::wait_for_work(std::uint64_t max_wait_ns) {
  const std::uint64_t next_timer_ns = timers_.next_deadline_ns();
  std::uint64_t until_ns = next_timer_ns;
  if (max_wait_ns < kNever - now_ns_) until_ns = std::min(until_ns, now_ns_ + max_wait_ns);
  if (until_ns <= now_ns_ || uring_->has_completions()) {
    uring_->submit();
    return false;
  }
  if (may_spin_ && spin_until_ns_ > now_ns_) {
    ++counters_.spins;
    return spin(std::min(until_ns, spin_until_ns_));
  }
  const bool may_block = park_pollers();
  if (may_block) {
    block(until_ns);
  } else {
    uring_->submit();
  }
  const LoopSlept slept = may_block ? LoopSlept::kYes : LoopSlept::kNo;
  pollers_.for_each([slept](Poller& poller) { poller.unpark(slept); });
  return !may_block;
}

bool Loop::spin(std::uint64_t until_ns) {
  uring_->submit();
  for (;;) {
    for (int look = 0; look < kLooksPerClockRead; ++look) {
      if (uring_->has_completions()) {
        uring_->submit();
        return false;
      }
      if (run_pollers()) return true;
      // A poller that found nothing may still have posted or stopped.
      if (has_ready() || stopping_) return true;
      relax_cpu();
    }
    ++counters_.spin_rounds;
    const std::uint64_t now = monotonic_now_ns();
    if (now >= until_ns || now >= spin_until_ns_) return false;
  }
}

bool Loop::park_pollers() {
  bool may_block = true;
  pollers_.for_each([&](Poller& poller) { may_block = poller.prepare_park() && may_block; });
  return may_block && !has_ready();
}

void Loop::block(std::uint64_t until_ns) {
  ++counters_.parks;
  uring_->submit_and_wait(until_ns == kNever ? kNever : until_ns - now_ns_);
}

}  // namespace mcpwire::io
