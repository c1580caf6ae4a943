// SPDX-License-Identifier: MIT
//
// Is the modelled memory C++20's? Each case is a litmus test from the literature whose allowed
// outcomes are known, and counts all that the explorer finds: one too few would hide bugs of the
// ring, one too many would accuse it wrongly.
#include "tests/explorer/explorer.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace mcpwire::explorer {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kSeqCst = std::memory_order_seq_cst;

using Outcome = std::vector<std::uint64_t>;

/// Up to four variables, each in a line of its own, and what the threads read.
class Litmus : public Program {
 public:
  using Body = std::function<void(Litmus&)>;
  explicit Litmus(std::vector<Body> threads) : threads_(std::move(threads)) {}

  std::size_t thread_count() const override { return threads_.size(); }
  std::span<std::byte> arena() override { return memory_; }
  void start() override {
    memory_ = {};
    read_.fill(0);
  }
  void run(std::size_t index) override { threads_[index](*this); }
  std::optional<std::string> verdict() override {
    Outcome outcome(read_.begin(), read_.begin() + static_cast<std::ptrdiff_t>(reads_));
    for (std::size_t i = 0; i < finals_; ++i) outcome.push_back(*variable(i));
    outcomes.insert(outcome);
    return std::nullopt;
  }

  void store(std::size_t name, std::uint64_t value, std::memory_order order) {
    atomic_store(variable(name), 8, value, order, std::source_location::current());
  }
  void load(std::size_t name, std::memory_order order, std::size_t into) {
    read_[into] = atomic_load(variable(name), 8, order, std::source_location::current());
  }
  std::uint64_t read(std::size_t index) const { return read_[index]; }
  void write_plain(std::size_t name, std::uint64_t value) {
    *variable(name) = value;
    plain_wrote(variable(name), 8);
  }
  void read_plain(std::size_t name, std::size_t into) {
    plain_read(variable(name), 8);
    read_[into] = *variable(name);
  }

  /// All outcomes: what was read, then the variables' last values.
  const std::set<Outcome>& all(std::size_t reads, std::size_t finals = 0, bool forget = false) {
    reads_ = reads;
    finals_ = finals;
    outcomes.clear();
    report = explore(*this, {.forget_states = forget});
    return outcomes;
  }

  std::set<Outcome> outcomes;
  Report report;

 private:
  std::uint64_t* variable(std::size_t name) {
    return reinterpret_cast<std::uint64_t*>(memory_.data() + name * 64);
  }

  alignas(64) std::array<std::byte, 4 * 64> memory_{};
  std::vector<Body> threads_;
  std::array<std::uint64_t, 8> read_{};
  std::size_t reads_ = 0;
  std::size_t finals_ = 0;
};

constexpr std::size_t x = 0;
constexpr std::size_t y = 1;
constexpr std::size_t z = 2;

Litmus store_buffering(std::memory_order store_x, std::memory_order load_y,
                       std::memory_order store_y, std::memory_order load_x) {
  return Litmus({[=](Litmus& m) {
                   m.store(x, 1, store_x);
                   m.load(y, load_y, 0);
                 },
                 [=](Litmus& m) {
                   m.store(y, 1, store_y);
                   m.load(x, load_x, 1);
                 }});
}

TEST(LitmusTest, StoreBuffering) {
  EXPECT_EQ(store_buffering(kRelaxed, kRelaxed, kRelaxed, kRelaxed).all(2).size(), 4u);
  EXPECT_EQ(store_buffering(kRelease, kAcquire, kRelease, kAcquire).all(2).size(), 4u);
  Litmus strong = store_buffering(kSeqCst, kSeqCst, kSeqCst, kSeqCst);
  EXPECT_EQ(strong.all(2), (std::set<Outcome>{{0, 1}, {1, 0}, {1, 1}}));
}

TEST(LitmusTest, StoreBufferingNeedsAllFourToBeSeqCst) {
  EXPECT_EQ(store_buffering(kRelease, kSeqCst, kSeqCst, kSeqCst).all(2).size(), 4u);
  EXPECT_EQ(store_buffering(kSeqCst, kAcquire, kSeqCst, kSeqCst).all(2).size(), 4u);
  EXPECT_EQ(store_buffering(kSeqCst, kSeqCst, kRelease, kSeqCst).all(2).size(), 4u);
  EXPECT_EQ(store_buffering(kSeqCst, kSeqCst, kSeqCst, kAcquire).all(2).size(), 4u);
}

Litmus message_passing(std::memory_order data, std::memory_order flag_store,
                       std::memory_order flag_load, std::memory_order data_load) {
  return Litmus({[=](Litmus& m) {
                   m.store(x, 1, data);
                   m.store(y, 1, flag_store);
                 },
                 [=](Litmus& m) {
                   m.load(y, flag_load, 0);
                   m.load(x, data_load, 1);
                 }});
}

TEST(LitmusTest, MessagePassing) {
  EXPECT_EQ(message_passing(kRelaxed, kRelaxed, kRelaxed, kRelaxed).all(2).size(), 4u);
  EXPECT_EQ(message_passing(kRelaxed, kRelease, kRelaxed, kRelaxed).all(2).size(), 4u);
  EXPECT_EQ(message_passing(kRelaxed, kRelaxed, kAcquire, kRelaxed).all(2).size(), 4u);
  Litmus ordered = message_passing(kRelaxed, kRelease, kAcquire, kRelaxed);
  EXPECT_EQ(ordered.all(2), (std::set<Outcome>{{0, 0}, {0, 1}, {1, 1}}));
}

/// A seq_cst store followed by a relaxed one is not a fence: ARM's stlr and str change places.
TEST(LitmusTest, TheTotalOrderIsNotTheOrderOfExecution) {
  EXPECT_EQ(message_passing(kSeqCst, kRelaxed, kRelaxed, kSeqCst).all(2).size(), 4u);
  EXPECT_EQ(message_passing(kSeqCst, kSeqCst, kSeqCst, kSeqCst).all(2).size(), 3u);
}

TEST(LitmusTest, PlainDataIsRacyWithoutReleaseAndAcquire) {
  const auto racy = [](std::memory_order flag_store, std::memory_order flag_load) {
    Litmus test({[=](Litmus& m) {
                   m.write_plain(x, 1);
                   m.store(y, 1, flag_store);
                 },
                 [=](Litmus& m) {
                   m.load(y, flag_load, 0);
                   if (m.read(0) == 1) m.read_plain(x, 1);
                 }});
    test.all(2);
    return test.report.violation.has_value();
  };
  EXPECT_FALSE(racy(kRelease, kAcquire));
  EXPECT_FALSE(racy(kSeqCst, kSeqCst));
  EXPECT_TRUE(racy(kRelaxed, kAcquire));
  EXPECT_TRUE(racy(kRelease, kRelaxed));
}

TEST(LitmusTest, APlainWriteIsRacyWithAnEarlierPlainReadToo) {
  const auto racy = [](std::memory_order flag_store, std::memory_order flag_load) {
    Litmus test({[=](Litmus& m) {
                   m.read_plain(x, 1);
                   m.store(y, 1, flag_store);
                 },
                 [=](Litmus& m) {
                   m.load(y, flag_load, 0);
                   if (m.read(0) == 1) m.write_plain(x, 1);
                 }});
    test.all(1);
    return test.report.violation.has_value();
  };
  EXPECT_FALSE(racy(kRelease, kAcquire));
  EXPECT_TRUE(racy(kRelaxed, kAcquire));
  EXPECT_TRUE(racy(kRelease, kRelaxed));
}

/// The restriction that memory.hpp states: (1, 1) is allowed by C++ and not explored.
TEST(LitmusTest, LoadBuffering) {
  Litmus test({[](Litmus& m) {
                 m.load(x, kRelaxed, 0);
                 m.store(y, 1, kRelaxed);
               },
               [](Litmus& m) {
                 m.load(y, kRelaxed, 1);
                 m.store(x, 1, kRelaxed);
               }});
  EXPECT_EQ(test.all(2), (std::set<Outcome>{{0, 0}, {0, 1}, {1, 0}}));
}

Litmus independent_reads(std::memory_order store, std::memory_order load) {
  return Litmus({[=](Litmus& m) { m.store(x, 1, store); }, [=](Litmus& m) { m.store(y, 1, store); },
                 [=](Litmus& m) {
                   m.load(x, load, 0);
                   m.load(y, load, 1);
                 },
                 [=](Litmus& m) {
                   m.load(y, load, 2);
                   m.load(x, load, 3);
                 }});
}

TEST(LitmusTest, IndependentReadsOfIndependentWrites) {
  EXPECT_EQ(independent_reads(kRelaxed, kRelaxed).all(4).size(), 16u);
  EXPECT_EQ(independent_reads(kRelease, kAcquire).all(4).size(), 16u);
  EXPECT_EQ(independent_reads(kSeqCst, kAcquire).all(4).size(), 16u);
  Litmus strong = independent_reads(kSeqCst, kSeqCst);
  EXPECT_EQ(strong.all(4).size(), 15u);
  EXPECT_FALSE(strong.outcomes.contains({1, 0, 1, 0}));
}

TEST(LitmusTest, CoherenceOfTwoReads) {
  Litmus test({[](Litmus& m) {
                 m.store(x, 1, kRelaxed);
                 m.store(x, 2, kRelaxed);
               },
               [](Litmus& m) {
                 m.load(x, kRelaxed, 0);
                 m.load(x, kRelaxed, 1);
               }});
  EXPECT_EQ(test.all(2), (std::set<Outcome>{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}));
}

TEST(LitmusTest, TwoReadersAgreeOnTheOrderOfTwoWriters) {
  Litmus test({[](Litmus& m) { m.store(x, 1, kRelaxed); },
               [](Litmus& m) { m.store(x, 2, kRelaxed); },
               [](Litmus& m) {
                 m.load(x, kRelaxed, 0);
                 m.load(x, kRelaxed, 1);
               },
               [](Litmus& m) {
                 m.load(x, kRelaxed, 2);
                 m.load(x, kRelaxed, 3);
               }});
  const std::set<Outcome>& found = test.all(4);
  // Each reader alone: 00 01 02 11 12 22 21. Together all but {12, 21} and {21, 12}.
  EXPECT_EQ(found.size(), 47u);
  EXPECT_FALSE(found.contains({1, 2, 2, 1}));
  EXPECT_FALSE(found.contains({2, 1, 1, 2}));
}

Litmus two_plus_two_writes(std::memory_order order) {
  return Litmus({[=](Litmus& m) {
                   m.store(x, 1, order);
                   m.store(y, 2, order);
                 },
                 [=](Litmus& m) {
                   m.store(y, 1, order);
                   m.store(x, 2, order);
                 }});
}

TEST(LitmusTest, TwoPlusTwoWrites) {
  EXPECT_EQ(two_plus_two_writes(kRelaxed).all(0, 2).size(), 4u);
  EXPECT_EQ(two_plus_two_writes(kRelease).all(0, 2).size(), 4u);
  Litmus strong = two_plus_two_writes(kSeqCst);
  EXPECT_EQ(strong.all(0, 2), (std::set<Outcome>{{1, 2}, {2, 1}, {2, 2}}));
}

Litmus write_to_read_causality(std::memory_order store, std::memory_order load) {
  return Litmus({[=](Litmus& m) { m.store(x, 1, kRelaxed); },
                 [=](Litmus& m) {
                   m.load(x, load, 0);
                   m.store(y, 1, store);
                 },
                 [=](Litmus& m) {
                   m.load(y, load, 1);
                   m.load(x, kRelaxed, 2);
                 }});
}

TEST(LitmusTest, WriteToReadCausality) {
  EXPECT_EQ(write_to_read_causality(kRelaxed, kRelaxed).all(3).size(), 8u);
  Litmus ordered = write_to_read_causality(kRelease, kAcquire);
  EXPECT_EQ(ordered.all(3).size(), 7u);
  EXPECT_FALSE(ordered.outcomes.contains({1, 1, 0}));
}

TEST(LitmusTest, CausalityThroughThreeThreads) {
  const auto count = [](std::memory_order store, std::memory_order load) {
    Litmus test({[=](Litmus& m) {
                   m.store(x, 1, kRelaxed);
                   m.store(y, 1, store);
                 },
                 [=](Litmus& m) {
                   m.load(y, load, 0);
                   m.store(z, 1, store);
                 },
                 [=](Litmus& m) {
                   m.load(z, load, 1);
                   m.load(x, kRelaxed, 2);
                 }});
    return test.all(3).size();
  };
  EXPECT_EQ(count(kRelaxed, kRelaxed), 8u);
  EXPECT_EQ(count(kRelease, kAcquire), 7u);
}

TEST(LitmusTest, ReadToWriteCausality) {
  const auto count = [](std::memory_order store, std::memory_order load) {
    Litmus test({[=](Litmus& m) { m.store(x, 1, store); },
                 [=](Litmus& m) {
                   m.load(x, load, 0);
                   m.load(y, load, 1);
                 },
                 [=](Litmus& m) {
                   m.store(y, 1, store);
                   m.load(x, load, 2);
                 }});
    return test.all(3).size();
  };
  EXPECT_EQ(count(kRelease, kAcquire), 8u);
  EXPECT_EQ(count(kSeqCst, kSeqCst), 7u);
}

/// "R" and "S" of the ARM and POWER test families: the variables' last values count as well.
TEST(LitmusTest, AWriteRacingWithAnOrderedPair) {
  const auto outcomes_of_r = [](std::memory_order store, std::memory_order load) {
    Litmus test({[=](Litmus& m) {
                   m.store(x, 1, store);
                   m.store(y, 1, store);
                 },
                 [=](Litmus& m) {
                   m.store(y, 2, store);
                   m.load(x, load, 0);
                 }});
    return test.all(1, 2).size();
  };
  EXPECT_EQ(outcomes_of_r(kRelease, kAcquire), 4u);
  EXPECT_EQ(outcomes_of_r(kSeqCst, kSeqCst), 3u);
  const auto outcomes_of_s = [](std::memory_order store, std::memory_order load) {
    Litmus test({[=](Litmus& m) {
                   m.store(x, 2, kRelaxed);
                   m.store(y, 1, store);
                 },
                 [=](Litmus& m) {
                   m.load(y, load, 0);
                   m.store(x, 1, kRelaxed);
                 }});
    return test.all(1, 1).size();
  };
  EXPECT_EQ(outcomes_of_s(kRelaxed, kRelaxed), 4u);
  EXPECT_EQ(outcomes_of_s(kRelease, kAcquire), 3u);
}

TEST(LitmusTest, SkippingKnownStatesLosesNoOutcome) {
  Litmus tests[] = {store_buffering(kSeqCst, kAcquire, kRelease, kSeqCst),
                    message_passing(kRelaxed, kRelease, kAcquire, kRelaxed),
                    two_plus_two_writes(kRelaxed), write_to_read_causality(kRelease, kAcquire),
                    independent_reads(kSeqCst, kAcquire)};
  for (Litmus& test : tests) {
    const std::set<Outcome> quick = test.all(4, 2);
    const Report with_skipping = test.report;
    EXPECT_EQ(quick, test.all(4, 2, true));
    EXPECT_GT(test.report.complete, with_skipping.complete);
    EXPECT_EQ(test.report.pruned, 0u);
  }
}

TEST(LitmusTest, WhoSleepsForEverIsFoundAndReplayed) {
  Litmus test({[](Litmus& m) {
                 m.load(x, kRelaxed, 0);
                 if (m.read(0) == 0) wait_for_doorbell();
               },
               [](Litmus& m) {
                 m.store(x, 1, kRelaxed);
                 m.load(y, kRelaxed, 1);
                 if (m.read(1) == 1) ring_doorbell(0);
               }});
  test.all(2);
  ASSERT_TRUE(test.report.violation.has_value());
  EXPECT_EQ(test.report.violation->message, "thread 0 sleeps and nobody rings");
  const Report again = explore(test, {.replay = test.report.violation->replay});
  ASSERT_TRUE(again.violation.has_value());
  EXPECT_EQ(again.violation->message, test.report.violation->message);
  EXPECT_EQ(again.trace, test.report.trace);
  EXPECT_NE(again.trace.find("store relaxed"), std::string::npos) << again.trace;
}

TEST(LitmusTest, ASmallTestIsExploredToTheLastExecution) {
  Litmus test = store_buffering(kRelaxed, kRelaxed, kRelaxed, kRelaxed);
  test.all(2, 0, true);
  // 6 interleavings of 2 and 2 operations; a load that comes second to the other's store has two
  // answers: 1 + 4 * 4 + 1 interleavings with 2, 4, 4, 4, 4 and 2 answers.
  EXPECT_EQ(test.report.complete, 20u);
  EXPECT_EQ(test.report.steps_max, 4u);
}

}  // namespace
}  // namespace mcpwire::explorer
