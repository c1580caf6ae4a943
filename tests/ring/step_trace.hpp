// SPDX-License-Identifier: MIT
//
// StepTrace: the instructions that an operation takes, so that another child can be led to any of
// them at once. Falling asleep counts as one step and being woken as another.
//
// Threading: one thread.
// Invariants: the operation takes the same instructions each time.
#pragma once

#include "tests/ring/stepped_child.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace mcpwire::ring {

class StepTrace {
 public:
  using Wake = std::function<void()>;
  static constexpr std::size_t kStepsMax = 200'000;

  /// Lets the operation run to its end.
  void record(SteppedChild& child, const Wake& wake) {
    addresses_.clear();
    auto last = SteppedChild::Step::kRan;
    while (last != SteppedChild::Step::kEnded) {
      ASSERT_LT(addresses_.size(), kStepsMax);
      ASSERT_NE(last, SteppedChild::Step::kBroken);
      if (last == SteppedChild::Step::kAsleep) {
        addresses_.push_back(kAsleep);
        wake();
        last = child.awake();
      } else {
        addresses_.push_back(child.address());
        last = child.step();
      }
    }
  }

  /// Lets it run for so many steps. At most one sleep is on the way.
  void replay(SteppedChild& child, std::size_t steps, const Wake& wake) const {
    const std::size_t asleep_after = sleep_step();
    if (steps < asleep_after) return replay_awake(child, 0, steps);
    replay_awake(child, 0, asleep_after - 1);
    ASSERT_EQ(child.step(), SteppedChild::Step::kAsleep);
    if (steps == asleep_after) return;
    wake();
    ASSERT_EQ(child.awake(), SteppedChild::Step::kRan);
    replay_awake(child, asleep_after + 1, steps);
  }

  /// After so many steps the operation is over.
  std::size_t steps() const noexcept { return addresses_.size() - 1; }
  /// After so many it sleeps; more than steps() if it never does.
  std::size_t sleep_step() const noexcept {
    return static_cast<std::size_t>(std::ranges::find(addresses_, kAsleep) - addresses_.begin());
  }
  bool sleeps() const noexcept { return sleep_step() < addresses_.size(); }
  bool is_empty() const noexcept { return addresses_.empty(); }

 private:
  /// In front of being woken there is no address.
  static constexpr std::uint64_t kAsleep = 0;

  void replay_awake(SteppedChild& child, std::size_t from, std::size_t to) const {
    if (from >= to) return;
    const auto begin = addresses_.begin() + static_cast<std::ptrdiff_t>(from) + 1;
    const auto end = addresses_.begin() + static_cast<std::ptrdiff_t>(to) + 1;
    const auto times = static_cast<std::uint32_t>(std::count(begin, end, addresses_[to]));
    ASSERT_EQ(child.run_to(addresses_[to], times), SteppedChild::Step::kRan);
  }

  std::vector<std::uint64_t> addresses_;
};

}  // namespace mcpwire::ring
