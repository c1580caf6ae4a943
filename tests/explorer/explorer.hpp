// SPDX-License-Identifier: MIT
//
// explore(): runs a small program in every way that its threads can be scheduled and its loads can
// be answered (memory.hpp). Each atomic operation, doorbell and death is a scheduling point;
// between two of them a thread runs undisturbed, which loses nothing, since plain accesses either
// race (and are found) or are ordered.
//
// One decision to know: the search is depth first and replays a prefix of decisions for each
// branch, and ends a branch whose state was seen before. A state is what each thread has done and
// read so far, not the order in which they did it, so two schedules that differ in nothing that a
// thread could see are explored once. That makes the search exhaustive without a bound on
// preemptions; the bound is the program. Programs therefore share nothing but modelled memory and
// doorbells: what a thread notes for verdict() depends on its own history only.
#pragma once

#include "tests/explorer/memory.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::explorer {

/// What is explored. One object is run many times.
class Program {
 public:
  virtual ~Program() = default;

  virtual std::size_t thread_count() const = 0;
  /// The modelled memory; every atomic and every checked plain access lies in it.
  virtual std::span<std::byte> arena() = 0;
  /// Sets objects and memory up, with plain accesses. Before every execution.
  virtual void start() = 0;
  /// Thread `index` (from 0). Owns nothing on the heap: executions are given up in the middle.
  virtual void run(std::size_t index) = 0;
  /// After all threads have ended: what is wrong, or nothing. `fail()` is the other way to say it.
  virtual std::optional<std::string> verdict() { return std::nullopt; }
  /// True if the thread may die at any scheduling point.
  virtual bool may_die(std::size_t) const { return false; }
  /// Name of a place in the arena, for traces.
  virtual std::string describe(std::uint32_t offset) const;
};

/// One access of the program whose order is weakened, or that is left out.
struct Weakening {
  std::string file;  ///< How the path ends.
  std::uint32_t line_first;
  std::uint32_t line_last;
  std::optional<std::memory_order> order;  ///< Nothing: no store, or a load that says 0.
};

/// A place in the sources that accesses modelled memory atomically.
struct Site {
  std::string file;
  std::uint32_t line;
  std::string function;
  std::memory_order order;
  bool is_load;
  auto operator<=>(const Site&) const = default;
};

/// What the kernel's queue promises. A ring must be right when doorbells order nothing, and what is
/// wrong with a weakened one must not be the doorbell's fault.
enum class Doorbells : std::uint8_t { kOrderNothing, kReleaseAndAcquire };

struct Options {
  std::optional<Weakening> weakening = std::nullopt;
  /// Decisions of one execution, as Violation::replay says it; only this one is run, and traced.
  std::string replay = {};
  /// The bound is in the program; this one only turns an endless program red.
  std::uint64_t executions_max = 50'000'000;
  std::size_t steps_max =
      kOrderedMax;  ///< Of one execution; more are a violation: threads go in circles.
  Doorbells doorbells = Doorbells::kOrderNothing;
  bool forget_states = false;  ///< Explores equal states again: shows that skipping them is right.
  std::vector<Site>* sites = nullptr;  ///< Collects the sites that were executed.
};

struct Violation {
  std::string message;
  std::string replay;  ///< For Options::replay; Report::trace has the steps.
};

struct Report {
  std::uint64_t complete = 0;  ///< Executions that ran to their end.
  std::uint64_t pruned = 0;    ///< That came to a state seen before.
  std::uint64_t states = 0;
  std::uint64_t stale_reads = 0;  ///< Loads that returned an overwritten value.
  std::size_t steps_max = 0;
  std::optional<Violation> violation;
  std::string trace;  ///< Of a replayed execution.
};

Report explore(Program& program, const Options& options = {});

// What a program's threads may do besides calling the product.

/// The execution shows a violation. Does not return.
[[noreturn]] void fail(std::string_view what);
/// Writes a doorbell for thread `to`.
void ring_doorbell(std::size_t to);
/// Sleeps until there is a doorbell, and takes all there are. Whoever sleeps for ever is a
/// violation.
void wait_for_doorbell();
/// Between two looks at the same word, in a loop that ends when it changes: the next one is newer.
void spin();
/// Sleeps until thread `of` is dead or has ended; what it stored before is known from then on.
void wait_for_end(std::size_t of);

// What the modelled accessors call (modelled/ring/detail/shared_word.hpp).

std::uint64_t atomic_load(const void* address, std::size_t bytes, std::memory_order order,
                          std::source_location where);
void atomic_store(void* address, std::size_t bytes, std::uint64_t value, std::memory_order order,
                  std::source_location where);
void plain_read(const void* address, std::size_t bytes);
void plain_wrote(const void* address, std::size_t bytes);

std::string_view order_name(std::memory_order order);

}  // namespace mcpwire::explorer
