// SPDX-License-Identifier: MIT
//
// No wake-up is lost, whatever the two ends have done so far: one end is held after each
// instruction of going to sleep while the other publishes as a whole, and the reverse. Then the
// sleeper must have been woken, or not have gone to sleep. (What the processor's store buffer adds
// to that is shown by ParkRaceTest; what chance brings, by wake_test.cpp.)
#include "tests/ring/doomed_pair.hpp"
#include "tests/ring/step_trace.hpp"

#include <functional>
#include <iostream>
#include <utility>

namespace mcpwire::ring {
namespace {

enum class Held {
  kParkForData,   ///< Meanwhile the other end publishes a record.
  kParkForSpace,  ///< Meanwhile the other end takes everything.
  kPublish,       ///< Meanwhile the other end goes to sleep for data.
  kTake,          ///< Meanwhile the other end goes to sleep for room.
};

#if defined(__OPTIMIZE__) && !__has_feature(address_sanitizer)
constexpr std::size_t kPointsMax = StepTrace::kStepsMax;
#else
constexpr std::size_t kPointsMax = 24;
#endif

/// More than an eighth of the ring: a credit is published on the way.
constexpr int kTaken = 9;

std::string name_of(Held held) {
  static constexpr const char* kNames[] = {"ParkForData", "ParkForSpace", "Publish", "Take"};
  return kNames[std::to_underlying(held)];
}

class InterleavingTest : public testing::TestWithParam<Held> {
 protected:
  static void take(End& end, int records_max) {
    for (int i = 0; i < records_max && end.consumer.peek().value(); ++i) end.consumer.release();
    if (end.consumer.peer_waits_for_space()) static_cast<void>(ring_doorbell(end.socket));
  }
  static void publish(End& end, std::uint64_t correlation, const std::string& payload) {
    EXPECT_TRUE(end.producer.try_push(request_header(), correlation, as_bytes(payload), {}));
    end.ring_if_needed();
  }

  /// In the child.
  static void operate(DoomedPair& pair) {
    End& end = pair.doomed;
    switch (GetParam()) {
      case Held::kParkForData:
        return static_cast<void>(end.waiter.wait_blocking(kNever).has_value());
      case Held::kParkForSpace:
        return static_cast<void>(end.waiter.wait_blocking(kNever, kRecordPayloadBytes).has_value());
      case Held::kPublish:
        return publish(end, pair.next_correlation, pair.payloads[0]);
      case Held::kTake:
        return take(end, kTaken);
    }
  }

  /// The same code for all children.
  static std::function<void()> operation(DoomedPair& pair) {
    return [&] { operate(pair); };
  }

  /// Of the other end. True if it is going to sleep.
  static bool act(DoomedPair& pair) {
    End& end = pair.survivor;
    switch (GetParam()) {
      case Held::kParkForData:
        publish(end, pair.next_correlation, pair.payloads[0]);
        return false;
      case Held::kParkForSpace:
        take(end, kRingBytesMin / kGranuleBytes);
        return false;
      case Held::kPublish:
        return !end.consumer.prepare_park();
      case Held::kTake:
        return !end.producer.prepare_park(kRecordPayloadBytes).value();
    }
    return false;
  }

  static DoomedPair::Writer writer() {
    const bool is_writer = GetParam() == Held::kParkForSpace || GetParam() == Held::kPublish;
    return is_writer ? DoomedPair::Writer::kDoomed : DoomedPair::Writer::kSurvivor;
  }
  static RingState state() {
    const bool is_empty = GetParam() == Held::kParkForData || GetParam() == Held::kPublish;
    return is_empty ? RingState::kEmpty : RingState::kFull;
  }

  void record();
  void meet_after(std::size_t steps);

  StepTrace trace_;
  std::size_t slept_ = 0;
};

void InterleavingTest::record() {
  DoomedPair pair(writer(), state());
  SteppedChild child(operation(pair));
  trace_.record(child, [&] { act(pair); });
}

void InterleavingTest::meet_after(std::size_t steps) {
  DoomedPair pair(writer(), state());
  SteppedChild child(operation(pair));
  trace_.replay(child, steps, [] {});
  const bool sleeps = act(pair);
  if (steps == trace_.sleep_step()) ASSERT_EQ(child.awake(), SteppedChild::Step::kRan);
  const auto end = steps == trace_.steps() ? SteppedChild::Step::kEnded : child.run_to_end();
  ASSERT_EQ(end, SteppedChild::Step::kEnded) << "LOST: it sleeps";
  if (!sleeps) return;
  ++slept_;
  ASSERT_EQ(take_doorbell(pair.survivor.socket), SocketState::kDoorbell) << "LOST: no doorbell";
}

TEST_P(InterleavingTest, NoWakeUpIsLostAtAnyInstruction) {
  if (!SteppedChild::is_possible()) GTEST_SKIP() << "no single steps: not x86-64, or no ptrace()";
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer's own instructions differ from run to run";
#endif
  record();  // Twice, as in death_test.cpp.
  record();
  ASSERT_FALSE(HasFailure());
  // What comes behind the sleep belongs to somebody who is awake.
  const std::size_t last = std::min(trace_.sleep_step(), trace_.steps());
  ASSERT_GE(last, 80u);
  const std::size_t stride = last / kPointsMax + 1;
  std::size_t points = 0;
  for (std::size_t steps = 0; steps <= last; steps += stride, ++points) {
    SCOPED_TRACE("met after " + std::to_string(steps) + " instructions");
    meet_after(steps);
    ASSERT_FALSE(HasFailure());
  }
  const bool other_sleeps = GetParam() == Held::kPublish || GetParam() == Held::kTake;
  EXPECT_EQ(slept_ != 0, other_sleeps);
  std::cout << name_of(GetParam()) << ": met after each of " << last << " instructions, " << points
            << " meetings, the other went to sleep in " << slept_ << '\n';
}

INSTANTIATE_TEST_SUITE_P(Held, InterleavingTest,
                         testing::Values(Held::kParkForData, Held::kParkForSpace, Held::kPublish,
                                         Held::kTake),
                         [](const auto& parameters) { return name_of(parameters.param); });

}  // namespace
}  // namespace mcpwire::ring
