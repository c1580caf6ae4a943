// SPDX-License-Identifier: MIT
#include "tests/explorer/memory.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <cstring>

namespace mcpwire::explorer {

namespace {

/// A granule of the ring has two cells: the place of a commit word, and everything else. No two
/// records share a granule, so this is as fine as it needs to be.
constexpr std::uint32_t kGranule = 64;
constexpr std::uint32_t kWordBegin = 20;
constexpr std::uint32_t kWordEnd = 24;

constexpr std::size_t cell_of(std::uint32_t offset) {
  const std::uint32_t within = offset % kGranule;
  return offset / kGranule * 2 + (within >= kWordBegin && within < kWordEnd ? 1 : 0);
}

constexpr bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

constexpr std::uint64_t name_of(ThreadId thread, std::uint32_t time) {
  return std::uint64_t{thread} << 32 | time;
}

void join_clock(Clock& into, const Clock& from) {
  for (std::size_t i = 0; i < kThreadsMax; ++i) into[i] = std::max(into[i], from[i]);
}

}  // namespace

void Alternatives::add(std::size_t value) {
  MCPWIRE_CHECK(count < kAlternativesMax);
  option[count++] = static_cast<std::uint16_t>(value);
}

void Memory::begin(std::span<std::byte> arena) {
  for (std::size_t i = 0; i < location_count_; ++i) {
    location_at_[locations_[i].offset / 4] = 0;
    locations_[i].order.clear();
  }
  location_count_ = 0;
  arena_ = arena;
  initial_.assign(arena.begin(), arena.end());
  location_at_.resize(arena.size() / 4);
  cells_.resize(arena.size() / kGranule * 2);
  ++execution_;
  stores_.assign(1, Store{});  // Index 0 means "only the initial one is known".
  ordered_.clear();
  clocks_ = {};
  views_ = {};
}

bool Memory::contains(const void* address) const noexcept {
  const auto* byte = static_cast<const std::byte*>(address);
  return byte >= arena_.data() && byte < arena_.data() + arena_.size();
}

std::uint32_t Memory::offset_of(const void* address) const noexcept {
  return static_cast<std::uint32_t>(static_cast<const std::byte*>(address) - arena_.data());
}

std::uint16_t Memory::add_store(std::uint16_t location, std::uint16_t position, ThreadId thread,
                                std::uint64_t value) {
  Location& place = locations_[location];
  const auto index = static_cast<std::uint16_t>(stores_.size());
  stores_.push_back({.value = value,
                     .time = 0,
                     .position = position,
                     .location = location,
                     .thread = thread,
                     .releases = false,
                     .clock = {},
                     .view = {}});
  for (std::size_t i = position; i < place.order.size(); ++i) ++stores_[place.order[i]].position;
  place.order.insert(place.order.begin() + position, index);
  return index;
}

static std::uint64_t value_at(const std::byte* where, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, where, bytes);
  return value;
}

/// Creates the location on first sight, with what the setup left there and with the plain write
/// that was made since, if any.
std::uint16_t Memory::location_of(const void* address, std::size_t bytes) {
  const std::uint32_t offset = offset_of(address);
  MCPWIRE_CHECK(contains(address));
  MCPWIRE_CHECK(offset % bytes == 0);
  if (location_at_[offset / 4] != 0) {
    const auto known = static_cast<std::uint16_t>(location_at_[offset / 4] - 1);
    MCPWIRE_CHECK(locations_[known].bytes == bytes);
    return known;
  }
  MCPWIRE_CHECK(location_count_ < kLocationsMax);
  const auto location = static_cast<std::uint16_t>(location_count_++);
  if (locations_.size() < location_count_) locations_.emplace_back();
  Location& place = locations_[location];
  place.offset = offset;
  place.bytes = static_cast<std::uint32_t>(bytes);
  place.plain_floor = 0;
  place.contested = false;
  location_at_[offset / 4] = static_cast<std::uint16_t>(location_count_);
  add_store(location, 0, 0, value_at(initial_.data() + offset, bytes));
  const Cell& cell = cells_[cell_of(offset)];
  if (cell.execution == execution_ && cell.plain_write != 0) {
    take_over_plain_write(cell.plain_writer, location);
  }
  return location;
}

/// Whoever touches the location after a plain write knows of the write, or it is a data race.
void Memory::take_over_plain_write(ThreadId thread, std::uint16_t location) {
  Location& place = locations_[location];
  const auto position = static_cast<std::uint16_t>(place.order.size());
  add_store(location, position, thread, value_at(arena_.data() + place.offset, place.bytes));
  place.plain_floor = position;
}

std::uint16_t Memory::floor_of(ThreadId thread, std::uint16_t location) const {
  return std::max(stores_[views_[thread][location]].position, locations_[location].plain_floor);
}

Alternatives Memory::loads(ThreadId thread, const void* address, std::size_t bytes,
                           std::memory_order order) {
  const std::uint16_t location = location_of(address, bytes);
  const std::vector<std::uint16_t>& made = locations_[location].order;
  const std::uint16_t floor = floor_of(thread, location);
  Alternatives found;
  for (std::size_t i = made.size(); i-- > floor;) {
    const auto position = static_cast<std::uint16_t>(i);
    if (order == std::memory_order_seq_cst &&
        !keeps_order(edges_of(thread, location, true, position))) {
      continue;
    }
    found.add(made[i]);
  }
  return found;
}

Alternatives Memory::stores(ThreadId thread, const void* address, std::size_t bytes,
                            std::memory_order order) {
  const std::uint16_t location = location_of(address, bytes);
  const std::uint16_t floor = floor_of(thread, location);
  Alternatives found;
  for (std::size_t i = locations_[location].order.size(); i > floor; --i) {
    const auto position = static_cast<std::uint16_t>(i);
    if (order == std::memory_order_seq_cst &&
        !keeps_order(edges_of(thread, location, false, position))) {
      continue;
    }
    found.add(position);
  }
  return found;
}

/// Where a new seq_cst operation would stand among the others. `position`: of the store that it
/// reads, or the place that its own store takes.
Memory::Edges Memory::edges_of(ThreadId thread, std::uint16_t location, bool is_load,
                               std::uint16_t position) const {
  Edges edges;
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const Ordered& other = ordered_[i];
    // An operation behind `other` in its thread happens before one in front of the new one.
    if (other.thread == thread || clocks_[thread][other.thread] > other.time) edges.in.set(i);
    if (other.location != location) continue;
    const std::uint16_t theirs = stores_[other.store].position;
    if (theirs < position || (theirs == position && is_load && !other.is_load)) {
      edges.in.set(i);
    } else if (theirs > position || !is_load) {
      edges.out.set(i);
    }
  }
  return edges;
}

bool Memory::keeps_order(const Edges& edges) const {
  Events reached = edges.out;
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    if (edges.out[i]) reached |= ordered_[i].reaches;
  }
  return (reached & edges.in).none();
}

void Memory::add_ordered(const Edges& edges, Ordered event) {
  MCPWIRE_CHECK(ordered_.size() < kOrderedMax);
  const std::size_t self = ordered_.size();
  event.reaches = edges.out;
  for (std::size_t i = 0; i < self; ++i) {
    if (edges.out[i]) event.reaches |= ordered_[i].reaches;
  }
  for (std::size_t i = 0; i < self; ++i) {
    if (!edges.in[i] && (ordered_[i].reaches & edges.in).none()) continue;
    ordered_[i].reaches |= event.reaches;
    ordered_[i].reaches.set(self);
  }
  ordered_.push_back(event);
}

void Memory::join_view(View& into, const View& from) const {
  for (std::size_t i = 0; i < location_count_; ++i) {
    if (stores_[from[i]].position > stores_[into[i]].position) into[i] = from[i];
  }
}

bool Memory::load(ThreadId thread, const void* address, std::size_t bytes, std::memory_order order,
                  std::uint16_t option, std::uint64_t& value) {
  const std::uint16_t location = location_of(address, bytes);
  const Store& read = stores_[option];
  MCPWIRE_CHECK(read.location == location);
  const std::uint32_t time = ++clocks_[thread][thread];
  if (order == std::memory_order_seq_cst) {
    add_ordered(edges_of(thread, location, true, read.position), {.thread = thread,
                                                                  .is_load = true,
                                                                  .location = location,
                                                                  .store = option,
                                                                  .time = time,
                                                                  .reaches = {}});
  }
  const bool fine = touch(thread, cell_of(offset_of(address)), Touch::kAtomicRead);
  views_[thread][location] = option;
  if (acquires(order) && read.releases) {
    join_clock(clocks_[thread], read.clock);
    join_view(views_[thread], read.view);
  }
  last_loaded_[thread] = option;
  value = read.value;
  staleness_ = locations_[location].order.size() - 1 - read.position;
  last_store_name_ = name_of(read.thread, read.time);
  return fine;
}

bool Memory::store(ThreadId thread, void* address, std::size_t bytes, std::memory_order order,
                   std::uint16_t option, std::uint64_t value) {
  const std::uint16_t location = location_of(address, bytes);
  const std::uint32_t time = ++clocks_[thread][thread];
  const Edges edges =
      order == std::memory_order_seq_cst ? edges_of(thread, location, false, option) : Edges{};
  const std::uint16_t index = add_store(location, option, thread, value);
  if (order == std::memory_order_seq_cst) {
    add_ordered(edges, {.thread = thread,
                        .is_load = false,
                        .location = location,
                        .store = index,
                        .time = time,
                        .reaches = {}});
  }
  const bool fine = touch(thread, cell_of(offset_of(address)), Touch::kAtomicWrite);
  views_[thread][location] = index;
  Store& made = stores_[index];
  made.time = time;
  if (releases(order)) {
    made.releases = true;
    made.clock = clocks_[thread];
    made.view = views_[thread];
  }
  for (const std::uint16_t other : locations_[location].order) {
    const ThreadId owner = stores_[other].thread;
    if (owner != 0 && owner != thread) locations_[location].contested = true;
  }
  // Plain reads see what is newest in the arena.
  const std::uint64_t newest = stores_[locations_[location].order.back()].value;
  std::memcpy(address, &newest, bytes);
  last_store_name_ = name_of(thread, time);
  return fine;
}

bool Memory::touch(ThreadId thread, std::size_t index, Touch how) {
  Cell& cell = cells_[index];
  if (cell.execution != execution_) cell = {.execution = execution_};
  const Clock& known = clocks_[thread];
  const std::uint32_t time = known[thread];
  const auto knows = [&](const Clock& accesses) {
    for (std::size_t i = 0; i < kThreadsMax; ++i) {
      if (accesses[i] > known[i]) return false;
    }
    return true;
  };
  bool fine = cell.plain_write <= known[cell.plain_writer];
  switch (how) {
    case Touch::kPlainWrite:
      fine =
          fine && knows(cell.plain_reads) && knows(cell.atomic_reads) && knows(cell.atomic_writes);
      cell.plain_writer = thread;
      cell.plain_write = time;
      break;
    case Touch::kPlainRead:
      fine = fine && knows(cell.atomic_writes);
      cell.plain_reads[thread] = time;
      break;
    case Touch::kAtomicWrite:
      fine = fine && knows(cell.plain_reads);
      cell.atomic_writes[thread] = time;
      break;
    case Touch::kAtomicRead:
      cell.atomic_reads[thread] = time;
      break;
  }
  return fine;
}

bool Memory::touch_range(ThreadId thread, std::uint32_t offset, std::size_t bytes, Touch how) {
  bool fine = true;
  const std::size_t end = offset + bytes;
  for (std::size_t granule = offset / kGranule; granule * kGranule < end; ++granule) {
    const std::size_t base = granule * kGranule;
    const std::size_t from = std::max<std::size_t>(offset, base) - base;
    const std::size_t to = std::min<std::size_t>(end, base + kGranule) - base;
    if (from < kWordBegin || to > kWordEnd) fine = touch(thread, granule * 2, how) && fine;
    if (from < kWordEnd && to > kWordBegin) fine = touch(thread, granule * 2 + 1, how) && fine;
  }
  return fine;
}

bool Memory::plain_read(ThreadId thread, const void* address, std::size_t bytes) {
  MCPWIRE_CHECK(contains(address));
  ++clocks_[thread][thread];
  return touch_range(thread, offset_of(address), bytes, Touch::kPlainRead);
}

bool Memory::plain_wrote(ThreadId thread, const void* address, std::size_t bytes) {
  MCPWIRE_CHECK(contains(address));
  ++clocks_[thread][thread];
  const std::uint32_t offset = offset_of(address);
  const bool fine = touch_range(thread, offset, bytes, Touch::kPlainWrite);
  for (std::size_t at = offset / 4; at * 4 < offset + bytes; ++at) {
    if (location_at_[at] != 0) {
      take_over_plain_write(thread, static_cast<std::uint16_t>(location_at_[at] - 1));
    }
  }
  return fine;
}

void Memory::join(Knowledge& into, const Knowledge& from) const {
  join_clock(into.clock, from.clock);
  join_view(into.view, from.view);
}

void Memory::tell(ThreadId thread, const Knowledge& what) {
  join_clock(clocks_[thread], what.clock);
  join_view(views_[thread], what.view);
}

bool Memory::has_newer(ThreadId thread) const {
  const Store& read = stores_[last_loaded_[thread]];
  return read.position + 1u < locations_[read.location].order.size();
}

void Memory::see_newer(ThreadId thread) {
  const Store& read = stores_[last_loaded_[thread]];
  const std::uint16_t next = locations_[read.location].order[read.position + 1u];
  std::uint16_t& known = views_[thread][read.location];
  if (stores_[known].position <= read.position) known = next;
}

void Memory::mix_into(StateHash& hash) const {
  // Locations are numbered in the order of first sight, which differs between equal memories.
  std::uint64_t sum_low = 0;
  std::uint64_t sum_high = 0;
  for (std::size_t i = 0; i < location_count_; ++i) {
    if (!locations_[i].contested) continue;
    StateHash own;
    own.mix(locations_[i].offset);
    for (const std::uint16_t store : locations_[i].order) {
      own.mix(name_of(stores_[store].thread, stores_[store].time));
    }
    sum_low += own.low;
    sum_high += own.high;
  }
  hash.mix(sum_low);
  hash.mix(sum_high);
}

}  // namespace mcpwire::explorer
