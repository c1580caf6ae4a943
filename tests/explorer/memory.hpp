// SPDX-License-Identifier: MIT
//
// Memory: what C++ promises about atomic and plain accesses, as a machine that can be asked "which
// values may this load return?". One decision to know: the total order S of the seq_cst operations
// is not the order in which the machine was driven. It is kept as a graph and only has to stay free
// of cycles, as the standard says; a store buffer, an early load and a late store all follow.
//
// What it follows is C++20 [intro.races] and [atomics.order], with one restriction, that of RC11:
// no load reads a store that has not been made yet (load buffering does not happen).
//   modification order  per location a list of stores; a store may go in front of others' stores
//   happens-before      vector clocks, passed on by a release store to an acquire load of its value
//   coherence           per thread and location the newest store it knows of (View)
//   S                   edges: program order, "strongly happens before", coherence (reads-from,
//                       modification order, from-reads) between seq_cst operations
//   data race           a plain access without happens-before to a conflicting access: final
//
// Threading: none. Threads of a program are fibers (fiber.hpp) driven by the explorer.
#pragma once

#include "tests/explorer/state_hash.hpp"

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mcpwire::explorer {

/// 0 is whoever set the memory up; its writes happen before everything.
using ThreadId = std::uint8_t;
inline constexpr std::size_t kThreadsMax = 6;
inline constexpr std::size_t kLocationsMax = 96;
inline constexpr std::size_t kOrderedMax =
    192;  ///< seq_cst operations, and steps, of one execution.
inline constexpr std::size_t kAlternativesMax = kOrderedMax + 1;

/// Index of the thread's last event that is known, for each thread.
using Clock = std::array<std::uint32_t, kThreadsMax>;
/// Newest known store for each location; 0: none but the initial one.
using View = std::array<std::uint16_t, kLocationsMax>;

/// What a load may read (indices of stores, newest first), or where a store may go in the
/// modification order (positions, last first).
struct Alternatives {
  std::array<std::uint16_t, kAlternativesMax> option;
  std::size_t count = 0;
  void add(std::size_t value);
};

class Memory {
 public:
  /// A new execution: what is in `arena` now is what everybody knows.
  void begin(std::span<std::byte> arena);

  bool contains(const void* address) const noexcept;
  /// The offset of an address of the arena, the name of a location in traces and hashes.
  std::uint32_t offset_of(const void* address) const noexcept;

  Alternatives loads(ThreadId thread, const void* address, std::size_t bytes,
                     std::memory_order order);
  Alternatives stores(ThreadId thread, const void* address, std::size_t bytes,
                      std::memory_order order);

  /// `option` is one of loads(). False: a data race.
  [[nodiscard]] bool load(ThreadId thread, const void* address, std::size_t bytes,
                          std::memory_order order, std::uint16_t option, std::uint64_t& value);
  /// `option` is one of stores(). False: a data race.
  [[nodiscard]] bool store(ThreadId thread, void* address, std::size_t bytes,
                           std::memory_order order, std::uint16_t option, std::uint64_t value);

  /// To be called in front of the plain access itself. False: a data race.
  [[nodiscard]] bool plain_read(ThreadId thread, const void* address, std::size_t bytes);
  /// To be called behind the plain access itself, for what it wrote is taken over from the arena.
  [[nodiscard]] bool plain_wrote(ThreadId thread, const void* address, std::size_t bytes);

  /// All that a thread knows of, for what is told outside this memory: by a death, by a doorbell.
  struct Knowledge {
    Clock clock;
    View view;
  };
  Knowledge knowledge_of(ThreadId thread) const { return {clocks_[thread], views_[thread]}; }
  void join(Knowledge& into, const Knowledge& from) const;
  void tell(ThreadId thread, const Knowledge& what);

  /// Spinning: a newer value than the thread's last load returned exists; is seen from now on.
  bool has_newer(ThreadId thread) const;
  void see_newer(ThreadId thread);

  /// Mixes the modification orders in which threads compete into `hash`; all else that
  /// distinguishes two memories is in the threads' own histories.
  void mix_into(StateHash& hash) const;

  /// How many stores newer than the one just read there are: 0 if the last load was up to date.
  std::size_t staleness() const noexcept { return staleness_; }
  /// Names the store that the last load() read or store() made: thread and event.
  std::uint64_t last_store_name() const noexcept { return last_store_name_; }

 private:
  struct Store {
    std::uint64_t value;
    std::uint32_t time;
    std::uint16_t position;  ///< In the modification order.
    std::uint16_t location;
    ThreadId thread;
    bool releases;
    Clock clock;
    View view;
  };
  struct Location {
    std::uint32_t offset;
    std::uint32_t bytes;
    std::uint16_t plain_floor;  ///< Position of the newest plain write; nobody reads older.
    bool contested;             ///< Two threads stored here.
    std::vector<std::uint16_t> order;
  };
  using Events = std::bitset<kOrderedMax>;
  /// A seq_cst operation.
  struct Ordered {
    ThreadId thread;
    bool is_load;
    std::uint16_t location;
    std::uint16_t store;  ///< The one read or made.
    std::uint32_t time;
    Events reaches;  ///< Operations that come later in every S.
  };
  /// Who touched a piece of memory last, for data races.
  struct Cell {
    std::uint64_t execution = 0;
    ThreadId plain_writer;
    std::uint32_t plain_write;
    Clock plain_reads;
    Clock atomic_reads;
    Clock atomic_writes;
  };
  enum class Touch : std::uint8_t { kPlainRead, kPlainWrite, kAtomicRead, kAtomicWrite };

  struct Edges {
    Events in;
    Events out;
  };

  std::uint16_t location_of(const void* address, std::size_t bytes);
  std::uint16_t add_store(std::uint16_t location, std::uint16_t position, ThreadId thread,
                          std::uint64_t value);
  std::uint16_t floor_of(ThreadId thread, std::uint16_t location) const;
  bool touch(ThreadId thread, std::size_t cell, Touch how);
  bool touch_range(ThreadId thread, std::uint32_t offset, std::size_t bytes, Touch how);
  Edges edges_of(ThreadId thread, std::uint16_t location, bool is_load,
                 std::uint16_t position) const;
  bool keeps_order(const Edges& edges) const;
  void add_ordered(const Edges& edges, Ordered event);
  void join_view(View& into, const View& from) const;
  void take_over_plain_write(ThreadId thread, std::uint16_t location);

  std::span<std::byte> arena_;
  std::vector<std::byte> initial_;
  std::uint64_t execution_ = 0;
  std::vector<std::uint16_t> location_at_;  ///< By offset / 4; 0: none, else index + 1.
  std::vector<Location> locations_;
  std::size_t location_count_ = 0;
  std::vector<Store> stores_;
  std::vector<Ordered> ordered_;
  std::vector<Cell> cells_;
  std::array<Clock, kThreadsMax> clocks_;
  std::array<View, kThreadsMax> views_;
  std::array<std::uint16_t, kThreadsMax> last_loaded_{};  ///< Stores, by thread.
  std::size_t staleness_ = 0;
  std::uint64_t last_store_name_ = 0;
};

}  // namespace mcpwire::explorer
