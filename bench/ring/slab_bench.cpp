// SPDX-License-Identifier: MIT
//
// Two ways from a pipe to a client's mapping (docs/adr/0010), and what the receiver pays: (a) into
// a fresh slab that is granted afterwards, no copy; (b) into warm private memory, then one copy
// into a slab that the client has mapped already. Both end with every byte checksummed through the
// client's mapping. Filling the pipe is not timed.
#include "ring/received_memory.hpp"
#include "ring/slab.hpp"
#include "ring/slab_pool.hpp"

#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::ring {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPipeBytes = std::size_t{1} << 20;

void check(bool condition) {
  if (!condition) std::abort();
}

std::uint64_t sum_of(std::string_view text) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at + sizeof(sum) <= text.size(); at += sizeof(sum)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    sum += word;
  }
  return sum;
}

/// A pipe that is full of letters whenever it is read.
class Source {
 public:
  explicit Source(std::size_t bytes) : letters_(bytes, 'x'), sum_(sum_of(letters_)) {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC) == 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
    check(::fcntl(write_.get(), F_SETPIPE_SZ, static_cast<int>(kPipeBytes)) > 0);
  }

  /// Reads all of it into `memory`; adds the time of the reads alone.
  void read_into(MutableByteSpan memory, Clock::duration& timed) {
    while (!memory.empty()) {
      const std::size_t bytes = std::min(memory.size(), kPipeBytes);
      check(::write(write_.get(), letters_.data(), bytes) == static_cast<ssize_t>(bytes));
      const auto start = Clock::now();
      check(::read(read_.get(), memory.data(), bytes) == static_cast<ssize_t>(bytes));
      timed += Clock::now() - start;
      memory = memory.subspan(bytes);
    }
  }
  std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::string letters_;
  std::uint64_t sum_;
  UniqueFd read_;
  UniqueFd write_;
};

/// What a daemon and a client do with one grant.
class Connection {
 public:
  SlabPool::Grant grant(std::uint64_t bytes) {
    auto granted = pool_.try_grant(bytes, next_slab_);
    check(granted.has_value());
    return *std::move(granted);
  }
  /// The client's checksum; its mapping is made where the slab is new.
  std::uint64_t receive(SlabPool::Grant grant) {
    if (grant.new_file) {
      const protocol::MemoryEvent event{sizeof(event), grant.where.slab, grant.where.generation,
                                        protocol::MemoryLife::kStays, grant.file_bytes};
      check(received_.keep(object_bytes(event), std::move(grant.new_file)).has_value());
    }
    const auto payload = received_.open(grant.where);
    check(payload.has_value());
    return sum_of(as_text(payload->bytes()));
  }
  void give_back() {
    while (const auto credit = received_.take_credit()) {
      check(pool_.take_back(credit->slab, credit->generation, 1).has_value());
    }
  }
  /// The slab was for one answer: nobody gets it again.
  void forget() {
    give_back();
    while (const auto idle = pool_.idle_since(1)) {
      const protocol::SlabEvent event{sizeof(event), idle->slab, idle->generation, 0};
      check(received_.retire(object_bytes(event)).has_value());
      pool_.drop(*idle);
    }
  }

 private:
  Quota quota_{[] {
    ResourceAmounts limits{};
    limits[index_of(Resource::kSlabBytes)] = std::uint64_t{128} << 20;
    return limits;
  }()};
  QuotaAccount account_{quota_};
  SlabPool pool_{Charge(account_, Resource::kSlabBytes), {}, KernelAbility::kUseIfPresent};
  ReceivedMemory received_{{.files_max = 4, .slabs_max = 16}};
  std::uint32_t next_slab_ = 1;
};

void finish(benchmark::State& state, Clock::duration timed) {
  state.SetIterationTime(std::chrono::duration<double>(timed).count());
}

void BM_Slab_FreshZeroCopy(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Source source(bytes);
  Connection connection;
  for (auto _ : state) {
    Clock::duration timed{};
    auto start = Clock::now();
    auto grant = connection.grant(bytes);
    timed += Clock::now() - start;
    source.read_into(grant.bytes, timed);
    start = Clock::now();
    check(connection.receive(std::move(grant)) == source.sum());
    connection.forget();
    timed += Clock::now() - start;
    finish(state, timed);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void BM_Slab_StagingAndCopy(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Source source(bytes);
  Connection connection;
  std::vector<std::byte> staging(bytes);
  for (auto _ : state) {
    Clock::duration timed{};
    source.read_into(staging, timed);
    const auto start = Clock::now();
    auto grant = connection.grant(bytes);
    copy_bytes(grant.bytes, staging);
    check(connection.receive(std::move(grant)) == source.sum());
    connection.give_back();
    timed += Clock::now() - start;
    finish(state, timed);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// What an exclusive server could have: into the slab that its only client has mapped.
void BM_Slab_WarmZeroCopy(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Source source(bytes);
  Connection connection;
  for (auto _ : state) {
    Clock::duration timed{};
    auto start = Clock::now();
    auto grant = connection.grant(bytes);
    timed += Clock::now() - start;
    source.read_into(grant.bytes, timed);
    start = Clock::now();
    check(connection.receive(std::move(grant)) == source.sum());
    connection.give_back();
    timed += Clock::now() - start;
    finish(state, timed);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

#define MCPWIRE_SIZES RangeMultiplier(4)->Range(64 << 10, 16 << 20)->UseManualTime()
BENCHMARK(BM_Slab_FreshZeroCopy)->MCPWIRE_SIZES;
BENCHMARK(BM_Slab_StagingAndCopy)->MCPWIRE_SIZES;
BENCHMARK(BM_Slab_WarmZeroCopy)->MCPWIRE_SIZES;

}  // namespace
}  // namespace mcpwire::ring
