// SPDX-License-Identifier: MIT
//
// Loop: the event loop on one io_uring, or on epoll where that is refused. One turn runs what is
// queued, the timers that are due and the pollers; then it submits, waits if there is nothing to
// do, and dispatches completions.
//
// Threading: create, run and destroy it on one thread, which the kernel enforces for the ring
// (SINGLE_ISSUER). Other threads reach it through io/loop_inbox.hpp only.
// Invariants: (1) the thread never blocks outside of the ring's own wait, because completions
// appear only when it enters the kernel (DEFER_TASKRUN); (2) everything that has an operation in
// flight (streams, watchers, listeners) is destroyed before the loop (checked).
#pragma once

#include "io/backend_kind.hpp"
#include "io/kernel_features.hpp"
#include "io/loop_lag.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/timer_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::io {

namespace detail {
class IoBackend;
class UringBackend;
}  // namespace detail

/// One group of buffers that reads share; a flood in one group cannot starve the other.
struct BufferGroupOptions {
  std::uint32_t count = 0;  ///< A power of two, at most 32768.
  std::uint32_t bytes_each = 0;
};

struct LoopOptions {
  BackendKind backend = BackendKind::kAutomatic;
  std::uint32_t hidden_features = 0;        ///< KernelFeature bits to do without.
  std::uint32_t submission_entries = 256;   ///< Beyond it operations wait in a queue of ours.
  std::uint32_t completion_entries = 4096;  ///< Beyond it the kernel keeps a list of its own.
  /// 16 KiB is where a 64 KiB pipe moves most bytes per second (4 KiB cost more completions, 64 KiB
  /// more cache misses). Memory is used only once it was written to.
  BufferGroupOptions bulk_buffers{.count = 64, .bytes_each = 16 * 1024};
  BufferGroupOptions small_buffers{.count = 32, .bytes_each = 4 * 1024};
};

/// Whether the loop blocked between parking its pollers and unparking them.
enum class LoopSlept : std::uint8_t { kNo, kYes };

/// Something in shared memory that makes no completion: it is looked into once per turn, before
/// those that had work in the last one. A turn ends after some pollers with work, and the next one
/// goes on behind them, so that completions and timers are not kept waiting.
/// Before the loop blocks it parks every poller, afterwards it unparks them.
class Poller : public ListNode {
 public:
  /// Does a bounded amount of what there is to do. True if there was anything.
  virtual bool poll() = 0;
  /// Asks the other side to ring the doorbell from now on. False: something appeared in the
  /// meantime, the loop must not block (and unpark() follows).
  virtual bool prepare_park() = 0;
  /// The loop is awake: the other side need not ring any more.
  virtual void unpark(LoopSlept slept) = 0;

 protected:
  ~Poller() = default;
};

/// Told after each turn, before the loop waits. For metrics.
class TurnObserver {
 public:
  /// `busy_ns` is how long the turn kept the loop from looking at anything new.
  virtual void on_turn(std::uint64_t busy_ns) = 0;

 protected:
  ~TurnObserver() = default;
};

struct LoopCounters {
  std::uint64_t turns = 0;
  std::uint64_t kernel_enters = 0;  ///< io_uring_enter calls; with epoll all of the backend.
  std::uint64_t system_calls = 0;   ///< Those, and what telemetry/system_calls.hpp counts.
  std::uint64_t completions = 0;
  std::uint64_t parks = 0;        ///< Turns in which the loop blocked.
  std::uint64_t spins = 0;        ///< Turns in which it waited without blocking.
  std::uint64_t spin_rounds = 0;  ///< Clock readings while spinning; a round takes some 100 ns.
};

class Loop final : public EventLoop {
 public:
  /// With BackendKind::kUring it fails with ErrorKind::kUnsupported and a text for a person where
  /// io_uring is forbidden.
  static Result<std::unique_ptr<Loop>> create(const LoopOptions& options = {});
  using ReadClock = std::uint64_t (*)() noexcept;
  /// On any backend, with the features that it needs of the kernel, and at any time. For tests.
  static std::unique_ptr<Loop> create_on(std::unique_ptr<detail::IoBackend> backend,
                                         KernelFeatures features,
                                         ReadClock clock = monotonic_now_ns);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Turns until stop(), also one that was called before. It may be run again afterwards.
  void run();
  /// One turn that blocks for at most `max_wait_ns`. True if anything was done.
  bool run_once(std::uint64_t max_wait_ns);
  /// Ends run() after the current turn. Called on the loop's thread.
  void stop() noexcept { stopping_ = true; }

  std::uint64_t now_ns() const noexcept override { return now_ns_; }
  void post(Runnable& work) override;
  /// As post(), but not before the next turn: for what goes on with a flood after its share of a
  /// turn. Posted from inside run() it would have the rest of this turn as well.
  void post_next_turn(Runnable& work);
  void arm(Timer& timer, std::uint64_t deadline_ns) override;
  void disarm(Timer& timer) noexcept override;

  /// `poller` leaves by remove_poller() or by its destruction, at any time. It is looked into first
  /// in the next turn: whoever has just rung has waited for a wake-up already.
  void add_poller(Poller& poller);
  void remove_poller(Poller& poller) noexcept { poller.unlink(); }

  /// Somebody expects work before `deadline_ns`: until then the loop looks for it instead of
  /// blocking. The furthest hint counts. No effect on a machine with one CPU.
  void hint_spin_until(std::uint64_t deadline_ns) noexcept;
  /// Takes all hints back.
  void cancel_spin() noexcept { spin_until_ns_ = 0; }

  void set_turn_observer(TurnObserver* observer) noexcept { turn_observer_ = observer; }
  KernelFeatures features() const noexcept { return features_; }
  /// On the loop's thread.
  LoopCounters counters() const noexcept;
  /// How long what was ready has waited at most, turn by turn.
  const LoopLag& lag() const noexcept { return lag_; }
  /// There was too little locked memory for queues of the size that was asked for.
  bool has_small_queues() const noexcept;
  /// "io_uring" or "epoll".
  std::string_view backend_name() const noexcept;
  /// Why it is not io_uring, for a person; empty where it is.
  const std::string& backend_warning() const noexcept { return backend_warning_; }

  /// For the implementations inside io/.
  detail::IoBackend& backend() noexcept { return *backend_; }

 private:
  Loop(std::unique_ptr<detail::IoBackend> backend, KernelFeatures features,
       ReadClock clock) noexcept;
  enum class AfterWork : std::uint8_t { kReturn, kWait };
  bool turn(std::uint64_t max_wait_ns, AfterWork after_work);
  bool has_completions() const noexcept;
  bool has_ready() const noexcept { return !ready_.empty() || !next_turn_.empty(); }
  bool run_ready();
  bool run_timers();
  bool run_pollers();
  /// Waits, by spinning or blocking, for at most `max_wait_ns`. True if a poller did something.
  bool wait_for_work(std::uint64_t max_wait_ns);
  bool spin(std::uint64_t until_ns);
  bool park_pollers();
  void block(std::uint64_t until_ns);
  /// What the turn did is done: the loop looks at what is new. Reads the clock only if it did.
  void look() noexcept {
    if (lag_.is_open()) lag_.end(read_clock_());
  }

  std::unique_ptr<detail::IoBackend> backend_;
  const detail::UringBackend* uring_;  ///< backend_ where it is one: spared a virtual call.
  std::string backend_warning_;
  KernelFeatures features_;
  const ReadClock read_clock_;
  const bool may_spin_;
  bool stopping_ = false;
  bool in_turn_ = false;
  std::uint64_t now_ns_;
  std::uint64_t spin_until_ns_ = 0;
  IntrusiveList<Runnable> ready_;
  IntrusiveList<Runnable> next_turn_;
  IntrusiveList<Poller> pollers_;
  TimerQueue timers_{*this};
  TurnObserver* turn_observer_ = nullptr;
  LoopCounters counters_;
  LoopLag lag_;
};

}  // namespace mcpwire::io
