// SPDX-License-Identifier: MIT
//
// One end of a connection dies between any two instructions of what it does: publish a record,
// publish a batch, consume, park for data, park for room. Every number of instructions is tried, in
// five states of the ring. In the survivor is then checked, each time:
//
//   wait      wait_blocking() returns at once after SIGKILL, while the death is still under way:
//             with data if a record was committed, else with kPeerGone
//   whole     what was committed is taken in order, unchanged, without a violation
//   atomic    of one record or batch, nothing or all of it is seen
//   monotonic once seen, it is seen after every later instruction too; after the last one, surely
//   quiet     then has_data() is false and peek() has nothing, however often they are asked
//   credits   the dead consumer's position is one that it can have reached, never goes back, and
//             never makes the survivor's producer believe in corruption
//   room      the survivor fills the ring to the end of its credits and is then told kPeerGone
//   doorbell  ringing a dead sleeper neither fails the program nor raises a signal
//   notice    the death is noticed by the socket alone and by the pidfd alone
#include "ring/detail/shared_word.hpp"
#include "tests/ring/doomed_pair.hpp"
#include "tests/ring/step_trace.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <iostream>
#include <utility>

#if __has_feature(address_sanitizer)
// A leak check stops the process with ptrace() itself.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace mcpwire::ring {
namespace {

enum class Operation { kPublish, kPublishBatch, kConsume, kParkForData, kParkForSpace };

/// More than an eighth of the ring: a credit is published on the way.
constexpr int kConsumedRecords = 9;

/// Where the compiler did not optimise, an operation has ten times the instructions.
#if defined(__OPTIMIZE__) && !__has_feature(address_sanitizer)
constexpr std::size_t kDeathsMax = StepTrace::kStepsMax;
#else
constexpr std::size_t kDeathsMax = 24;
#endif

struct Case {
  Operation operation;
  RingState state;
  /// A stepper that does not step, or an operation that is not one, has fewer.
  std::uint32_t instructions_min;
  std::size_t records;  ///< Of the operation, that the survivor sees in the end.
  bool sleeps;          ///< Where nobody dies.
};

std::string name_of(const Case& death) {
  static constexpr const char* kOperations[] = {"Publish", "PublishBatch", "Consume", "ParkForData",
                                                "ParkForSpace"};
  static constexpr const char* kStates[] = {"Empty", "One", "FullButOne", "Full", "Wrapped"};
  return std::string(kOperations[std::to_underlying(death.operation)]) + "In" +
         kStates[std::to_underlying(death.state)];
}

void PrintTo(const Case& death, std::ostream* out) { *out << name_of(death); }

DoomedPair::Writer writer_of(Operation operation) {
  const bool reads = operation == Operation::kConsume || operation == Operation::kParkForData;
  return reads ? DoomedPair::Writer::kSurvivor : DoomedPair::Writer::kDoomed;
}

class DeathTest : public testing::TestWithParam<Case> {
 protected:
  /// What the survivor saw after a death.
  struct Seen {
    std::size_t records = 0;  ///< Of the operation.
    std::uint64_t credits = 0;
  };

  void operate(DoomedPair& pair) const;
  void wake(DoomedPair& pair);
  Seen die_after(std::size_t steps);
  void take_all(DoomedPair& pair);
  void expect_quiet(DoomedPair& pair);
  void use_up_credits(DoomedPair& pair, Waiter& waiter);
  void expect_notice(DoomedPair& pair, int pidfd);

  StepTrace trace_;
  std::size_t taken_ = 0;
};

/// In the child.
void DeathTest::operate(DoomedPair& pair) const {
  End& end = pair.doomed;
  const auto push = [&](std::size_t i) {
    return end.producer.try_push(request_header(), pair.next_correlation + i,
                                 as_bytes(pair.payloads[i]), {});
  };
  switch (GetParam().operation) {
    case Operation::kPublish:
      push(0);
      return end.ring_if_needed();
    case Operation::kPublishBatch:
      end.producer.begin_batch();
      for (std::size_t i = 0; i < pair.payloads.size() && push(i);) ++i;
      end.producer.commit_batch();
      return end.ring_if_needed();
    case Operation::kConsume:
      for (int i = 0; i < kConsumedRecords && end.consumer.peek().value(); ++i) {
        end.consumer.release();
      }
      if (end.consumer.peer_waits_for_space()) static_cast<void>(ring_doorbell(end.socket));
      return;
    case Operation::kParkForData:
      return static_cast<void>(end.waiter.wait_blocking(kNever).has_value());
    case Operation::kParkForSpace:
      return static_cast<void>(end.waiter.wait_blocking(kNever, kRecordPayloadBytes).has_value());
  }
}

void DeathTest::wake(DoomedPair& pair) {
  if (GetParam().operation == Operation::kParkForSpace) {
    take_all(pair);
    ASSERT_TRUE(pair.survivor.consumer.peer_waits_for_space());
  } else {
    ASSERT_TRUE(pair.survivor.push(1, kFillerPayloadBytes));
    ASSERT_TRUE(pair.survivor.producer.peer_needs_doorbell());
  }
  ASSERT_TRUE(ring_doorbell(pair.survivor.socket).has_value());
}

void DeathTest::take_all(DoomedPair& pair) {
  for (;; ++taken_) {
    const auto frame = pair.survivor.consumer.peek();
    ASSERT_TRUE(frame.has_value()) << "a violation";
    if (!*frame) return;
    const bool is_old = taken_ < pair.pushed.size();
    const std::size_t of_operation = is_old ? 0 : taken_ - pair.pushed.size();
    ASSERT_LT(of_operation, pair.payloads.size()) << "records that nobody pushed";
    const std::uint64_t correlation =
        is_old ? pair.pushed[taken_].correlation : pair.next_correlation + of_operation;
    EXPECT_EQ((*frame)->header.correlation, correlation);
    EXPECT_EQ(as_text((*frame)->volatile_payload),
              is_old ? pattern(correlation, pair.pushed[taken_].payload_bytes)
                     : pair.payloads[of_operation]);
    pair.survivor.consumer.release();
  }
}

void DeathTest::expect_quiet(DoomedPair& pair) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(pair.survivor.consumer.has_data());
    const auto frame = pair.survivor.consumer.peek();
    ASSERT_TRUE(frame.has_value());
    EXPECT_FALSE(frame->has_value());
  }
}

void DeathTest::use_up_credits(DoomedPair& pair, Waiter& waiter) {
  End& end = pair.survivor;
  ASSERT_TRUE(end.producer.has_space(kFillerPayloadBytes).has_value());
  std::uint32_t pushes = 0;
  while (end.push(pushes, kFillerPayloadBytes)) {
    end.ring_if_needed();
    ASSERT_LE(++pushes, kRingBytesMin / kGranuleBytes);
  }
  EXPECT_FALSE(end.producer.peer_is_corrupt());
  EXPECT_FALSE(end.producer.has_space(kFillerPayloadBytes).value());
  EXPECT_EQ(waiter.wait_blocking(kNever, kFillerPayloadBytes).value(), WaitOutcome::kPeerGone);
}

void DeathTest::expect_notice(DoomedPair& pair, int pidfd) {
  for (const auto& [socket, process] : {std::pair(pair.survivor.socket, -1), {-1, pidfd}}) {
    Waiter waiter(pair.survivor.consumer, pair.survivor.producer, pair.clock,
                  {.socket_fd = socket, .peer_pidfd = process, .processors = 2});
    EXPECT_EQ(waiter.wait_blocking(kNever).value(), WaitOutcome::kPeerGone);
  }
}

DeathTest::Seen DeathTest::die_after(std::size_t steps) {
  DoomedPair pair(writer_of(GetParam().operation), GetParam().state);
  End& survivor = pair.survivor;
  taken_ = 0;
  // Asleep, as far as the doomed end can see: it rings.
  static_cast<void>(survivor.consumer.prepare_park());
  static_cast<void>(survivor.producer.prepare_park(kRecordPayloadBytes).has_value());

  SteppedChild child([&] { operate(pair); });
  pair.close_doomed_socket();
  const auto wake_it = [&] { wake(pair); };
  trace_.is_empty() ? trace_.record(child, wake_it) : trace_.replay(child, steps, wake_it);
  child.kill();

  Waiter waiter(survivor.consumer, survivor.producer, pair.clock,
                {.socket_fd = survivor.socket, .peer_pidfd = child.pidfd(), .processors = 2});
  const std::size_t taken_before = taken_;
  const WaitOutcome outcome = waiter.wait_blocking(kNever).value();
  take_all(pair);
  EXPECT_EQ(outcome, taken_ > taken_before ? WaitOutcome::kData : WaitOutcome::kPeerGone);
  expect_quiet(pair);
  if (survivor.consumer.peer_waits_for_space()) {
    static_cast<void>(ring_doorbell(survivor.socket).has_value());
  }
  use_up_credits(pair, waiter);
  expect_notice(pair, child.pidfd());
  EXPECT_EQ(child.reap(), SIGKILL);
  const bool doomed_writes = writer_of(GetParam().operation) == DoomedPair::Writer::kDoomed;
  if (doomed_writes) EXPECT_GE(taken_, pair.pushed.size());
  return {doomed_writes ? taken_ - pair.pushed.size() : 0,
          detail::ReadOnlyWord<std::uint64_t>(pair.doomed_view.memory().page->consumer_position)
              .load(std::memory_order_acquire)};
}

TEST_P(DeathTest, TheSurvivorSeesWhatWasCommittedAndTheDeath) {
  if (!SteppedChild::is_possible()) GTEST_SKIP() << "no single steps: not x86-64, or no ptrace()";
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer's own instructions differ from run to run";
#endif
  // Twice, because whatever is done once in a process (symbols, allocators of sanitizers) has been
  // done in this one after the first time, and all further children take the same instructions.
  die_after(0);
  trace_ = StepTrace();
  // Without a trace it dies at the end, and makes one.
  const Seen all = die_after(0);
  ASSERT_FALSE(HasFailure());
  const std::size_t instructions = trace_.steps();
  ASSERT_GE(instructions, GetParam().instructions_min);
  EXPECT_EQ(trace_.sleeps(), GetParam().sleeps);
  EXPECT_EQ(all.records, GetParam().records);

  Seen before;
  std::size_t deaths = 0;
  std::size_t committed_at = 0;
  const std::size_t stride = instructions / kDeathsMax + 1;
  for (std::size_t steps = 0; steps <= instructions; steps += stride, ++deaths) {
    SCOPED_TRACE("death after " + std::to_string(steps) + " instructions");
    const Seen seen = die_after(steps);
    EXPECT_TRUE(seen.records == 0 || seen.records == all.records) << seen.records;
    EXPECT_GE(seen.records, before.records);
    EXPECT_GE(seen.credits, before.credits);
    EXPECT_LE(seen.credits, all.credits);
    ASSERT_FALSE(HasFailure());
    if (seen.records != 0 && before.records == 0) committed_at = steps;
    before = seen;
  }
  EXPECT_EQ(deaths, instructions / stride + 1);
  std::cout << name_of(GetParam()) << ": " << instructions << " instructions, " << deaths
            << " deaths";
  if (committed_at != 0) std::cout << ", committed after " << committed_at;
  std::cout << '\n';
}

std::vector<Case> all_cases() {
  using enum RingState;
  std::vector<Case> cases;
  for (const RingState state : {kEmpty, kOne, kFullButOne, kFull, kWrapped}) {
    const bool is_full = state == kFull;
    const std::size_t batch = is_full ? 0 : state == kFullButOne ? 1 : 3;
    const bool sleeps_for_data = state == kEmpty;
    cases.push_back({Operation::kPublish, state, is_full ? 30U : 80U, is_full ? 0U : 1U, false});
    cases.push_back({Operation::kPublishBatch, state, is_full ? 30U : 100U, batch, false});
    cases.push_back({Operation::kConsume, state, 20, 0, false});
    cases.push_back({Operation::kParkForData, state, 20, 0, sleeps_for_data});
    cases.push_back({Operation::kParkForSpace, state, 20, 0, is_full});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AtEveryInstruction, DeathTest, testing::ValuesIn(all_cases()),
                         [](const auto& parameters) { return name_of(parameters.param); });

}  // namespace
}  // namespace mcpwire::ring
