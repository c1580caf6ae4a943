// SPDX-License-Identifier: MIT
//
// LoopInbox and HelperThread: what crosses from thread to thread. Run under TSan as well.
#include "io/helper_thread.hpp"
#include "io/loop_inbox.hpp"
#include "tests/io/loop_fixture.hpp"
#include "tests/io/started_task.hpp"

#include <array>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace mcpwire::io {
namespace {

class LoopInboxTest : public LoopFixture {};
MCPWIRE_INSTANTIATE_ON_KERNELS(LoopInboxTest);

struct Note final : InboxWork {
  void run_on_loop() override {
    received->push_back({thread, number});
    done = true;
  }
  std::vector<std::pair<int, int>>* received = nullptr;
  int thread = 0;
  int number = 0;  ///< Written without any lock: the inbox must order it before run_on_loop().
  bool done = false;
};

TEST_P(LoopInboxTest, FourThreadsLoseNothingAndKeepTheirOwnOrder) {
  constexpr int kThreads = 4;
  constexpr int kNotes = 2000;
  auto inbox = LoopInbox::create(*loop_, 64);
  ASSERT_TRUE(inbox.has_value());
  std::vector<std::pair<int, int>> received;
  std::vector<std::vector<Note>> notes(kThreads);
  for (auto& of_thread : notes) of_thread = std::vector<Note>(kNotes);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < kNotes; ++number) {
        Note& note = notes[static_cast<std::size_t>(thread)][static_cast<std::size_t>(number)];
        note.received = &received;
        note.thread = thread;
        note.number = number;
        while (!(*inbox)->try_push(note)) std::this_thread::yield();
      }
    });
  }
  run_until([&] { return received.size() == kThreads * kNotes; });
  for (std::thread& thread : threads) thread.join();
  std::array<int, kThreads> next{};
  for (const auto& [thread, number] : received) {
    EXPECT_EQ(number, next[static_cast<std::size_t>(thread)]++);
  }
}

TEST_P(LoopInboxTest, AFullInboxSaysSo) {
  auto inbox = LoopInbox::create(*loop_, 2);
  std::vector<std::pair<int, int>> received;
  std::array<Note, 3> notes;
  for (Note& note : notes) note.received = &received;
  EXPECT_TRUE((*inbox)->try_push(notes[0]));
  EXPECT_TRUE((*inbox)->try_push(notes[1]));
  EXPECT_FALSE((*inbox)->try_push(notes[2]));
  run_until([&] { return received.size() == 2; });
  EXPECT_TRUE((*inbox)->try_push(notes[2]));
  run_until([&] { return received.size() == 3; });
}

// One message at a time, each into a loop that is about to sleep. A lost wake-up hangs here.
TEST_P(LoopInboxTest, EachWakeUpReachesASleepingLoop) {
  auto inbox = LoopInbox::create(*loop_, 4);
  struct Ping final : InboxWork {
    void run_on_loop() override { arrived.fetch_add(1, std::memory_order_release); }
    std::atomic<int> arrived{0};
  } ping;
  std::thread sender([&] {
    for (int count = 1; count <= 2000; ++count) {
      while (!(*inbox)->try_push(ping)) std::this_thread::yield();
      while (ping.arrived.load(std::memory_order_acquire) < count) std::this_thread::yield();
    }
  });
  run_until([&] { return ping.arrived.load(std::memory_order_acquire) == 2000; });
  sender.join();
}

TEST_P(LoopInboxTest, WorkThatWasNotTakenIsNotRun) {
  auto inbox = LoopInbox::create(*loop_, 4);
  std::vector<std::pair<int, int>> received;
  Note note;
  note.received = &received;
  EXPECT_TRUE((*inbox)->try_push(note));
  inbox->reset();
  settle();
  EXPECT_FALSE(note.done);
}

/// Holds the helper until the test lets it go on; shows when it has arrived there.
struct Gate {
  std::promise<void> reached;
  std::promise<void> opened;
};

class HelperThreadTest : public LoopFixture {
 protected:
  void SetUp() override {
    LoopFixture::SetUp();
    auto helper = HelperThread::create(*loop_, {.jobs_max = 3});
    ASSERT_TRUE(helper.has_value());
    helper_ = std::move(helper).value();
  }
  void TearDown() override { helper_.reset(); }

  /// A job that waits at `gate` and then gives 1.
  static auto waiting_at(Gate& gate) {
    return [&gate]() -> Result<int> {
      gate.reached.set_value();
      gate.opened.get_future().wait();
      return 1;
    };
  }

  std::unique_ptr<HelperThread> helper_;
  CancelScope scope_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(HelperThreadTest);

using Started = StartedTask<Result<int>>;

TEST_P(HelperThreadTest, RunsTheFunctionElsewhereAndReturnsItsResultHere) {
  const std::thread::id here = std::this_thread::get_id();
  StartedTask<Result<std::string>> started(
      *loop_, helper_->run(scope_, [here]() -> Result<std::string> {
        return std::string(std::this_thread::get_id() == here ? "here" : "elsewhere");
      }));
  EXPECT_FALSE(started.is_done());
  run_until([&] { return started.is_done(); });
  EXPECT_EQ(started.result().value(), "elsewhere");
  EXPECT_EQ(helper_->jobs(), 0U);
}

TEST_P(HelperThreadTest, HandsAFailureThrough) {
  Started started(*loop_, helper_->run(scope_, []() -> Result<int> {
    return fail(ErrorKind::kNotFound, ErrorCode::kUnknownTool);
  }));
  run_until([&] { return started.is_done(); });
  EXPECT_EQ(started.result().error().code, ErrorCode::kUnknownTool);
}

TEST_P(HelperThreadTest, RunsJobsOneAfterTheOther) {
  std::vector<int> order;
  std::vector<std::unique_ptr<Started>> jobs;
  for (int number = 0; number < 3; ++number) {
    jobs.push_back(
        std::make_unique<Started>(*loop_, helper_->run(scope_, [&order, number]() -> Result<int> {
          order.push_back(number);
          return number;
        })));
  }
  run_until([&] { return jobs[0]->is_done() && jobs[1]->is_done() && jobs[2]->is_done(); });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_P(HelperThreadTest, BeyondItsLimitItIsFull) {
  Gate gate;
  Started running(*loop_, helper_->run(scope_, waiting_at(gate)));
  Started second(*loop_, helper_->run(scope_, []() -> Result<int> { return 2; }));
  Started third(*loop_, helper_->run(scope_, []() -> Result<int> { return 3; }));
  Started fourth(*loop_, helper_->run(scope_, []() -> Result<int> { return 4; }));
  ASSERT_TRUE(fourth.is_done());
  EXPECT_EQ(fourth.result().error().code, ErrorCode::kQueueFull);
  EXPECT_EQ(fourth.result().error().kind, ErrorKind::kOverloaded);
  gate.opened.set_value();
  run_until([&] { return running.is_done() && second.is_done() && third.is_done(); });
  EXPECT_EQ(third.result().value(), 3);
}

TEST_P(HelperThreadTest, ACancelledWaiterLeavesARunningJobBehind) {
  Gate gate;
  Started running(*loop_, helper_->run(scope_, waiting_at(gate)));
  gate.reached.get_future().wait();
  scope_.cancel(CancelCause::kDeadline);
  run_until([&] { return running.is_done(); });
  EXPECT_EQ(running.result().error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(helper_->jobs(), 1U);
  gate.opened.set_value();
  run_until([&] { return helper_->jobs() == 0; });
}

TEST_P(HelperThreadTest, AJobCancelledInTheQueueNeverRuns) {
  Gate gate;
  bool ran = false;
  CancelScope other;
  Started running(*loop_, helper_->run(scope_, waiting_at(gate)));
  Started queued(*loop_, helper_->run(other, [&ran]() -> Result<int> {
    ran = true;
    return 1;
  }));
  other.cancel(CancelCause::kCaller);
  run_until([&] { return queued.is_done(); });
  gate.opened.set_value();
  run_until([&] { return running.is_done() && helper_->jobs() == 0; });
  EXPECT_FALSE(ran);
  EXPECT_TRUE(running.result().has_value());
}

TEST_P(HelperThreadTest, CancelledBeforeItStartsNothingIsQueued) {
  scope_.cancel(CancelCause::kCaller);
  Started late(*loop_, helper_->run(scope_, []() -> Result<int> { return 1; }));
  EXPECT_EQ(late.result().error().code, ErrorCode::kCancelledByCaller);
  EXPECT_EQ(helper_->jobs(), 0U);
}

TEST_P(HelperThreadTest, StoppingEndsEveryWaiter) {
  Gate gate;
  Started running(*loop_, helper_->run(scope_, waiting_at(gate)));
  Started queued(*loop_, helper_->run(scope_, []() -> Result<int> { return 2; }));
  gate.reached.get_future().wait();
  std::thread opener([&] { gate.opened.set_value(); });
  helper_->stop();
  opener.join();
  settle();
  EXPECT_EQ(running.result().value(), 1) << "what ran to its end is delivered";
  ASSERT_TRUE(queued.is_done());
  Started late(*loop_, helper_->run(scope_, []() -> Result<int> { return 3; }));
  EXPECT_EQ(late.result().error().code, ErrorCode::kShuttingDown);
}

TEST_P(HelperThreadTest, AnIdleHelperStopsAtOnceAndTwice) {
  helper_->stop();
  helper_->stop();
}

}  // namespace
}  // namespace mcpwire::io
