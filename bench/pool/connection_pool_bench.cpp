// SPDX-License-Identifier: MIT
//
// What a warm connection costs: from asking the pool to holding the lease, measured for each get.
// With several callers all of them hold their leases at the same time. The server is in memory and
// no request is sent. Goal: p50 of at most 1 us.
#include "bench/pool/samples.hpp"
#include "pool/connection_pool.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/pool/fake_transport_factory.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace mcpwire::bench {
namespace {

/// A pool with one open server among as many as a person has configured.
struct WarmPool {
  static constexpr int kOtherServers = 10;

  WarmPool() {
    spec.identity = std::string(63, 'a') + "x";
    spec.name = "files";
    spec.spawn = {"/usr/bin/server", {"--root", "/home/u"}, {"HOME=/home/u", "PATH=/usr/bin"}, "/"};
    open(spec);
    for (int number = 0; number < kOtherServers; ++number) {
      pool::ServerSpec other = spec;
      other.identity = std::string(63, 'a') + static_cast<char>('0' + number);
      open(other);
    }
  }
  ~WarmPool() {
    const test_support::BackgroundTask<int> cleared(loop, clear(pool));
    loop.run_until_idle();
  }

  void open(const pool::ServerSpec& wanted) {
    const test_support::BackgroundTask<Result<pool::Lease>> opened(loop, pool.get(wanted, scope));
    loop.run_until_idle();
  }
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  static io::task<int> clear(pool::ConnectionPool& target) {
    co_await target.clear();
    co_return 0;
  }

  test_support::FakeEventLoop loop;
  io::CancelScope scope;
  test_support::FakeTransportFactory factory{loop};
  pool::ConnectionPool pool{loop, factory, {}};
  pool::ServerSpec spec;
};

/// What the callers of one round saw.
struct Round {
  std::size_t holding = 0;
  std::size_t most_leases = 0;
};

// Everything referred to lives in the benchmark's frame, which joins the callers.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> caller(WarmPool& warm, Round& round, io::CancelScope& release,
                              Samples& samples) {
  const std::uint64_t begun_ns = Samples::now_ns();
  Result<pool::Lease> lease = co_await warm.pool.get(warm.spec, warm.scope);
  samples.add(Samples::now_ns() - begun_ns);
  if (!lease.has_value()) co_return fail(lease.error());
  ++round.holding;
  round.most_leases = std::max(round.most_leases, lease->connection().leases);
  io::OneShot<void> released(warm.loop);
  [[maybe_unused]] const Result<void> ended = co_await released.wait(release);
  co_return Result<void>{};
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> join(io::Scope& callers) {
  Result<void> joined = co_await callers.join();
  co_return joined;
}

bool run_round(WarmPool& warm, std::size_t callers, Samples& samples) {
  Round round;
  io::CancelScope release;
  io::Scope scope(warm.loop);
  for (std::size_t number = 0; number < callers; ++number) {
    scope.spawn(caller(warm, round, release, samples));
  }
  release.cancel(io::CancelCause::kCaller);
  test_support::BackgroundTask<Result<void>> joined(warm.loop, join(scope));
  warm.loop.run_until_idle();
  return joined.has_ended() && joined.value().has_value() && round.holding == callers &&
         round.most_leases == callers;
}

void BM_ConnectionPool_GetWarm(benchmark::State& state) {
  WarmPool warm;
  Samples samples;
  const auto callers = static_cast<std::size_t>(state.range(0));
  const std::size_t servers = warm.factory.count();
  for (auto _ : state) {
    if (!run_round(warm, callers, samples)) {
      state.SkipWithError("not everybody got the one connection");
      break;
    }
  }
  if (warm.factory.count() != servers) state.SkipWithError("a second server was started");
  state.SetItemsProcessed(state.iterations() * state.range(0));
  samples.report(state);
}
BENCHMARK(BM_ConnectionPool_GetWarm)->ArgName("callers")->Arg(1)->Arg(64);

/// The same without a coroutine: what a call does first.
void BM_ConnectionPool_TryGetWarm(benchmark::State& state) {
  WarmPool warm;
  Samples samples;
  for (auto _ : state) {
    const std::uint64_t begun_ns = Samples::now_ns();
    const pool::Lease lease = warm.pool.try_get(warm.spec.identity);
    samples.add(Samples::now_ns() - begun_ns);
    if (!lease || lease.connection().identity != warm.spec.identity) {
      state.SkipWithError("the wrong connection");
      break;
    }
  }
  samples.report(state);
}
BENCHMARK(BM_ConnectionPool_TryGetWarm);

}  // namespace
}  // namespace mcpwire::bench
