// SPDX-License-Identifier: MIT
//
// What the ring's operations cost when both ends are in one thread: instructions, not cache-line
// transfers. The latter are BM_RingPingPong: two processes, see ring_pingpong.hpp.
#include "bench/ring/ring_pingpong.hpp"
#include "ring/segment.hpp"
#include "ring/spsc_ring.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace mcpwire::ring {
namespace {

constexpr std::uint32_t kRingBytes = 64 * 1024;

struct Ends {
  OwnedSegment sender = OwnedSegment::create({.ring_bytes = kRingBytes}).value();
  OwnedSegment receiver = OwnedSegment::create({.ring_bytes = kRingBytes}).value();
  Consumer consumer{receiver.memory(), sender.memory()};
  Producer producer{sender.memory(), receiver.memory()};
};

const protocol::RequestHeader kHeader =
    protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);

bool pop(Consumer& consumer, MutableByteSpan target) {
  const auto frame = consumer.peek();
  if (!frame || !*frame || (*frame)->volatile_payload.size() != target.size()) return false;
  copy_bytes(target, (*frame)->volatile_payload);
  consumer.release();
  return true;
}

void BM_SpscRing_PushPop(benchmark::State& state) {
  Ends ends;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> payload(bytes, std::byte{42});
  std::vector<std::byte> received(bytes);
  for (auto _ : state) {
    if (!ends.producer.try_push(kHeader, 1, payload, {}) || !pop(ends.consumer, received)) {
      state.SkipWithError("the ring refused a record");
      break;
    }
    benchmark::DoNotOptimize(ends.producer.peer_needs_doorbell());
  }
  if (received != payload) state.SkipWithError("wrong bytes");
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_SpscRing_PushPop)->Arg(32)->Arg(64)->Arg(1024)->Arg(8192);

void BM_SpscRing_BatchOf16(benchmark::State& state) {
  Ends ends;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> payload(bytes, std::byte{42});
  std::vector<std::byte> received(bytes);
  for (auto _ : state) {
    ends.producer.begin_batch();
    for (int i = 0; i < 16; ++i) {
      if (!ends.producer.try_push(kHeader, 1, payload, {})) state.SkipWithError("full");
    }
    ends.producer.commit_batch();
    benchmark::DoNotOptimize(ends.producer.peer_needs_doorbell());
    for (int i = 0; i < 16; ++i) {
      if (!pop(ends.consumer, received)) state.SkipWithError("empty");
    }
  }
  state.SetItemsProcessed(state.iterations() * 16);
}
BENCHMARK(BM_SpscRing_BatchOf16)->Arg(32)->Arg(1024);

void BM_Segment_CreateAndDrop(benchmark::State& state) {
  for (auto _ : state) {
    const auto segment =
        OwnedSegment::create({.ring_bytes = static_cast<std::uint32_t>(state.range(0))});
    if (!segment) state.SkipWithError("no segment");
  }
}
BENCHMARK(BM_Segment_CreateAndDrop)->Arg(8 * 1024)->Arg(64 * 1024)->Arg(1024 * 1024);

/// One pass with its own percentiles on stderr: the mean that Google Benchmark would print hides
/// the tail. Tiny unless MCPWIRE_PINGPONG=full is set, because the smoke run must be short.
void BM_RingPingPong(benchmark::State& state) {
  const char* wish = std::getenv("MCPWIRE_PINGPONG");
  const bool smoke = wish == nullptr || std::string_view(wish) != "full";
  bench::PingPongOptions options;
  if (smoke) {
    options.blocks = 2;
    options.samples_per_block = 50;
    options.warm_up_per_block = 10;
  }
  for (auto _ : state) {
    const auto results = bench::run_ring_pingpong(options);
    if (!results) {
      state.SkipWithError(results.error().message().c_str());
      break;
    }
    std::fputs(bench::format_pingpong(*results).c_str(), stderr);
  }
}
BENCHMARK(BM_RingPingPong)->Iterations(1);

}  // namespace
}  // namespace mcpwire::ring
