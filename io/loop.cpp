// SPDX-License-Identifier: MIT
#include "io/loop.hpp"

#include "io/detail/epoll_backend.hpp"
#include "io/detail/uring_backend.hpp"
#include "protocol/base/check.hpp"
#include "telemetry/system_calls.hpp"

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
  std::string why_not = "it was asked for";
  if (options.backend != BackendKind::kEpoll) {
    const KernelFeatures features = probe_kernel_features(options.hidden_features);
    Result<std::unique_ptr<detail::UringBackend>> uring =
        detail::UringBackend::create(options, features);
    if (uring.has_value()) return create_on(*std::move(uring), features);
    if (options.backend == BackendKind::kUring) return fail(std::move(uring).error());
    why_not = uring.error().message();
  }
  // One of io_uring's own features is none of epoll's.
  constexpr auto kUringsOwn = static_cast<std::uint32_t>(KernelFeature::kReadMultishot);
  const KernelFeatures features = probe_kernel_features(options.hidden_features | kUringsOwn);
  std::unique_ptr<Loop> loop = create_on(TRY(detail::EpollBackend::create(options)), features);
  loop->backend_warning_ = "epoll serves in io_uring's place, more slowly: " + why_not;
  return loop;
}

std::unique_ptr<Loop> Loop::create_on(std::unique_ptr<detail::IoBackend> backend,
                                      KernelFeatures features, ReadClock clock) {
  return std::unique_ptr<Loop>(new Loop(std::move(backend), features, clock));
}

Loop::Loop(std::unique_ptr<detail::IoBackend> backend, KernelFeatures features,
           ReadClock clock) noexcept
    : backend_(std::move(backend)),
      uring_(dynamic_cast<const detail::UringBackend*>(backend_.get())),
      features_(features),
      read_clock_(clock),
      may_spin_(std::thread::hardware_concurrency() > 1),
      now_ns_(clock()) {}

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
  now_ns_ = read_clock_();
  bool worked = run_ready();
  worked |= run_timers();
  worked |= run_pollers();
  if (turn_observer_ != nullptr) turn_observer_->on_turn(read_clock_() - now_ns_);
  // Else the last dispatch was all, and now_ns_ was read after it.
  worked ? lag_.begin(now_ns_) : lag_.end(now_ns_);

  // What the turn has just prepared is submitted by the same kernel entry that waits; what a poller
  // or timer left over keeps the loop from blocking by itself.
  const bool returns = worked && after_work == AfterWork::kReturn;
  if (returns || stopping_ || has_ready()) max_wait_ns = 0;
  worked |= wait_for_work(max_wait_ns);
  now_ns_ = read_clock_();
  lag_.end(now_ns_);  // There was no wait.
  const std::size_t completions = backend_->dispatch();
  if (completions > 0) lag_.begin(now_ns_);
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

bool Loop::has_small_queues() const noexcept { return backend_->has_small_queues(); }

std::string_view Loop::backend_name() const noexcept { return backend_->name(); }

LoopCounters Loop::counters() const noexcept {
  LoopCounters counters = counters_;
  counters.kernel_enters = backend_->kernel_enters();
  counters.system_calls = counters.kernel_enters + telemetry::system_calls_of_this_thread();
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
  if (until_ns <= now_ns_ || has_completions()) {
    backend_->submit();
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
    backend_->submit();
  }
  const LoopSlept slept = may_block ? LoopSlept::kYes : LoopSlept::kNo;
  pollers_.for_each([slept](Poller& poller) { poller.unpark(slept); });
  return !may_block;
}

bool Loop::has_completions() const noexcept {
  return uring_ != nullptr ? uring_->has_completions() : backend_->has_completions();
}

bool Loop::spin(std::uint64_t until_ns) {
  backend_->submit();
  std::uint64_t looked_ns = now_ns_;
  if (lag_.is_open()) lag_.end(looked_ns = read_clock_());
  for (;;) {
    for (int look = 0; look < kLooksPerClockRead; ++look) {
      if (has_completions()) {
        backend_->submit();
        return false;
      }
      if (run_pollers()) {
        lag_.begin(looked_ns);
        return true;
      }
      // A poller that found nothing may still have posted or stopped.
      if (has_ready() || stopping_) return true;
      relax_cpu();
    }
    ++counters_.spin_rounds;
    // The kernel tells io_uring in memory that something is ready; others have to ask it.
    if (uring_ == nullptr) backend_->submit();
    looked_ns = read_clock_();
    if (looked_ns >= until_ns || looked_ns >= spin_until_ns_) return false;
  }
}

bool Loop::park_pollers() {
  bool may_block = true;
  pollers_.for_each([&](Poller& poller) { may_block = poller.prepare_park() && may_block; });
  return may_block && !has_ready();
}

void Loop::block(std::uint64_t until_ns) {
  ++counters_.parks;
  look();
  backend_->submit_and_wait(until_ns == kNever ? kNever : until_ns - now_ns_);
}

}  // namespace mcpwire::io
