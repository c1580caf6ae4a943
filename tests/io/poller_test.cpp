// SPDX-License-Identifier: MIT
#include "io/fd_watcher.hpp"
#include "tests/io/loop_fixture.hpp"

#include <sys/eventfd.h>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace mcpwire::io {
namespace {

class RecordingPoller final : public Poller {
 public:
  bool poll() override {
    ++polls;
    return on_poll ? on_poll() : false;
  }
  bool prepare_park() override {
    ++parks;
    is_parked = true;
    return may_park;
  }
  void unpark(LoopSlept how) override {
    is_parked = false;
    slept = how;
  }

  std::function<bool()> on_poll;
  int polls = 0;
  int parks = 0;
  bool is_parked = false;
  std::optional<LoopSlept> slept;
  bool may_park = true;
};

class PollerTest : public LoopFixture {};
MCPWIRE_INSTANTIATE_ON_KERNELS(PollerTest);

TEST_P(PollerTest, IsLookedIntoOncePerTurnAndParkedAroundTheWait) {
  RecordingPoller poller;
  loop_->add_poller(poller);
  loop_->run_once(kNanosecondsPerMillisecond);
  EXPECT_EQ(poller.polls, 1);
  EXPECT_EQ(poller.parks, 1);
  EXPECT_FALSE(poller.is_parked);
  EXPECT_EQ(poller.slept, LoopSlept::kYes);
  EXPECT_EQ(loop_->counters().parks, 1U);
}

TEST_P(PollerTest, IsNotParkedInATurnThatDidSomething) {
  RecordingPoller poller;
  poller.on_poll = [] { return true; };
  loop_->add_poller(poller);
  EXPECT_TRUE(loop_->run_once(kNever));
  EXPECT_EQ(poller.parks, 0);
}

TEST_P(PollerTest, WorkThatAppearsWhileParkingKeepsTheLoopAwake) {
  RecordingPoller willing;
  RecordingPoller refusing;
  refusing.may_park = false;
  loop_->add_poller(refusing);
  loop_->add_poller(willing);
  EXPECT_TRUE(loop_->run_once(kNever)) << "it must not block";
  EXPECT_EQ(loop_->counters().parks, 0U);
  EXPECT_FALSE(refusing.is_parked);
  EXPECT_FALSE(willing.is_parked);
  EXPECT_EQ(refusing.slept, LoopSlept::kNo);
  EXPECT_EQ(willing.slept, LoopSlept::kNo);
}

TEST_P(PollerTest, APollerMayRemoveAndDestroyAnyPoller) {
  auto first = std::make_unique<RecordingPoller>();
  auto second = std::make_unique<RecordingPoller>();
  auto third = std::make_unique<RecordingPoller>();
  for (auto* poller : {first.get(), second.get(), third.get()}) loop_->add_poller(*poller);
  second->on_poll = [&] {
    first.reset();
    third.reset();
    second.reset();
    return true;
  };
  loop_->run_once(0);
  EXPECT_EQ(second, nullptr);
  settle();
}

// A thousand busy clients would keep completions and timers waiting for milliseconds.
TEST_P(PollerTest, ATurnLooksIntoAFewBusyPollersAndTheNextOneGoesOn) {
  constexpr int kPollers = 40;
  constexpr int kBusyPerTurn = 16;
  std::vector<std::unique_ptr<RecordingPoller>> pollers;
  int polls = 0;
  for (int i = 0; i < kPollers; ++i) {
    pollers.push_back(std::make_unique<RecordingPoller>());
    pollers.back()->on_poll = [&polls] { return ++polls != 0; };
    loop_->add_poller(*pollers.back());
  }
  for (int turn = 1; turn <= 5; ++turn) {
    loop_->run_once(kNever);
    EXPECT_EQ(polls, turn * kBusyPerTurn);
  }
  for (const auto& poller : pollers) EXPECT_EQ(poller->polls, 2) << "80 looks at 40 pollers";
}

TEST_P(PollerTest, WhoHadNothingToDoComesBeforeTheBusyOnes) {
  std::vector<char> order;
  RecordingPoller quiet;
  RecordingPoller busy;
  quiet.on_poll = [&order] { return order.push_back('q'), false; };
  busy.on_poll = [&order] { return order.push_back('b'), true; };
  loop_->add_poller(quiet);
  loop_->add_poller(busy);  // In front.
  loop_->run_once(0);
  loop_->run_once(0);
  EXPECT_EQ(order, (std::vector<char>{'b', 'q', 'q', 'b'}));
}

TEST_P(PollerTest, APollerMayRemoveItself) {
  RecordingPoller poller;
  poller.on_poll = [&] {
    loop_->remove_poller(poller);
    return false;
  };
  loop_->add_poller(poller);
  loop_->run_once(0);
  loop_->run_once(0);
  EXPECT_EQ(poller.polls, 1);
}

TEST_P(PollerTest, ARemovedPollerIsLeftAlone) {
  RecordingPoller poller;
  loop_->add_poller(poller);
  loop_->remove_poller(poller);
  loop_->run_once(0);
  EXPECT_EQ(poller.polls, 0);
}

/// A counter in shared memory with a doorbell: what a ring is to the loop.
class Mailbox final : public Poller, private FdWatcher::Observer {
 public:
  explicit Mailbox(Loop& loop)
      : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), watcher_(loop, bell_.get(), *this) {
    watcher_.start(WatchMode::kEachArrival);
    loop.add_poller(*this);
  }

  /// On the producer's thread.
  void produce() {
    produced_.fetch_add(1, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (parked_.load(std::memory_order_relaxed) &&
        parked_.exchange(false, std::memory_order_relaxed)) {
      const std::uint64_t one = 1;
      EXPECT_EQ(write(bell_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    }
  }
  std::uint64_t consumed() const noexcept { return consumed_.load(std::memory_order_acquire); }

 private:
  bool poll() override {
    const std::uint64_t now = produced_.load(std::memory_order_acquire);
    return std::exchange(seen_, now) != now &&
           (consumed_.store(now, std::memory_order_release), true);
  }
  bool prepare_park() override {
    parked_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return produced_.load(std::memory_order_acquire) == seen_;
  }
  void unpark(LoopSlept) override { parked_.store(false, std::memory_order_relaxed); }
  void on_ready(unsigned) override {
    std::uint64_t rings = 0;
    static_cast<void>(!read(bell_.get(), &rings, sizeof rings));
  }

  std::atomic<std::uint64_t> produced_{0};
  std::atomic<std::uint64_t> consumed_{0};
  std::atomic<bool> parked_{false};
  std::uint64_t seen_ = 0;
  UniqueFd bell_;
  FdWatcher watcher_;
};

// The producer sends the next message only when the loop has taken the last: every message meets a
// loop that is about to park. A lost wake-up hangs here.
TEST_P(PollerTest, NoWakeUpIsLostBetweenTheLastLookAndTheWait) {
  constexpr std::uint64_t kMessages = 3000;
  Mailbox mailbox(*loop_);
  std::thread producer([&mailbox] {
    for (std::uint64_t count = 1; count <= kMessages; ++count) {
      mailbox.produce();
      while (mailbox.consumed() < count) std::this_thread::yield();
    }
  });
  run_until([&] { return mailbox.consumed() == kMessages; });
  producer.join();
  EXPECT_EQ(mailbox.consumed(), kMessages);
}

class SpinTest : public LoopFixture {
 protected:
  void SetUp() override {
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "a lone CPU never spins";
    LoopFixture::SetUp();
    loop_->add_poller(poller_);
    loop_->run_once(0);
  }
  RecordingPoller poller_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(SpinTest);

TEST_P(SpinTest, AHintMakesTheLoopLookInsteadOfBlocking) {
  const std::uint64_t before = loop_->counters().kernel_enters;
  const std::uint64_t until = monotonic_now_ns() + kNanosecondsPerMillisecond;
  loop_->hint_spin_until(until);
  EXPECT_FALSE(loop_->run_once(kNanosecondsPerSecond));
  EXPECT_GE(monotonic_now_ns(), until);
  if (!is_on_epoll()) {
    EXPECT_EQ(loop_->counters().kernel_enters, before) << "spinning makes no system call";
  }
  EXPECT_EQ(poller_.parks, 0);
  EXPECT_GT(poller_.polls, 2);
}

TEST_P(SpinTest, AfterTheHintTheLoopBlocks) {
  loop_->hint_spin_until(loop_->now_ns() + 1);
  loop_->run_once(kNanosecondsPerMillisecond);
  loop_->run_once(kNanosecondsPerMillisecond);
  EXPECT_GE(loop_->counters().parks, 1U);
}

TEST_P(SpinTest, ACancelledHintIsNone) {
  loop_->hint_spin_until(kNever);
  loop_->cancel_spin();
  loop_->run_once(kNanosecondsPerMillisecond);
  EXPECT_EQ(loop_->counters().spins, 0U);
  EXPECT_EQ(loop_->counters().parks, 1U);
}

TEST_P(SpinTest, APollersFindEndsTheSpin) {
  poller_.on_poll = [this] { return poller_.polls == 100; };
  loop_->hint_spin_until(kNever);
  EXPECT_TRUE(loop_->run_once(kNever));
  EXPECT_EQ(poller_.polls, 100);
}

TEST_P(SpinTest, ATimerEndsTheSpin) {
  class Flag final : public Timer {
   public:
    void on_timer() override { fired = true; }
    bool fired = false;
  } timer;
  loop_->arm(timer, loop_->now_ns() + kNanosecondsPerMillisecond);
  loop_->hint_spin_until(kNever);
  run_until([&] { return timer.fired; });
  EXPECT_EQ(loop_->counters().parks, 0U);
}

TEST_P(SpinTest, BytesOnAPipeEndTheSpinWithoutBlocking) {
  Pipe pipe = make_pipe();
  RecordingSink sink;
  FdReader reader(*loop_, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink);
  std::atomic<bool> spinning{false};
  poller_.on_poll = [&] {
    spinning.store(loop_->counters().spins > 0, std::memory_order_release);
    return false;
  };
  std::thread writer([&] {
    while (!spinning.load(std::memory_order_acquire)) std::this_thread::yield();
    put(pipe.write_end, "noticed");
  });
  loop_->hint_spin_until(kNever);
  run_until([&] { return sink.text == "noticed"; });
  writer.join();
  EXPECT_EQ(loop_->counters().parks, 0U);
}

}  // namespace
}  // namespace mcpwire::io
