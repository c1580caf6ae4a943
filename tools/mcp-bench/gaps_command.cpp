// SPDX-License-Identifier: MIT
//
// mcp-bench gaps: the floor of an open loop. On each of two processors one thread does nothing but
// read the clock; requests are due at a fixed rate, need both threads and cost nothing. How late
// they are is what the machine takes away, and no program that keeps both busy can be below it.
#include "bench/processors.hpp"
#include "protocol/base/system_clock.hpp"
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

/// So that both threads run, on their processors, before the first request is due.
constexpr std::uint64_t kLeadNs = 20 * kNanosecondsPerMillisecond;

struct Arguments {
  std::size_t iterations = 1'000'000;
  double rate = 500'000;
  bool as_json = false;
};

/// How late each request was looked at by this thread.
Samples watch(const Arguments& arguments, std::uint64_t start_ns) {
  const double interval_ns = 1e9 / arguments.rate;
  Samples late_ns(arguments.iterations);
  std::size_t index = 0;
  while (index < late_ns.size()) {
    const std::uint64_t now_ns = monotonic_now_ns();
    for (; index < late_ns.size(); ++index) {
      const auto due_ns =
          start_ns + static_cast<std::uint64_t>(static_cast<double>(index) * interval_ns);
      if (due_ns > now_ns) break;
      late_ns[index] = now_ns - due_ns;
    }
  }
  return late_ns;
}

struct Watcher {
  std::optional<Error> failure;
  Samples late_ns;
};

Result<std::string> run(const Arguments& arguments) {
  const std::vector<int> processors = bench::usable_processors();
  if (processors.size() < 2) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kUnspecified, "needs two processors");
  }
  std::array<Watcher, 2> watchers;
  const std::uint64_t start_ns = monotonic_now_ns() + kLeadNs;
  {
    std::array<std::jthread, 2> threads;
    for (std::size_t i = 0; i < threads.size(); ++i) {
      threads[i] =
          std::jthread([&arguments, &watcher = watchers[i], cpu = processors[i], start_ns] {
            const Result<void> pinned = pin_process(0, cpu);
            if (!pinned) watcher.failure = pinned.error();
            watcher.late_ns = watch(arguments, start_ns);
          });
    }
  }
  for (const Watcher& watcher : watchers) {
    if (watcher.failure) return fail(*watcher.failure);
  }
  Samples late_ns = std::move(watchers[0].late_ns);
  std::ranges::transform(late_ns, watchers[1].late_ns, late_ns.begin(),
                         [](std::uint64_t one, std::uint64_t two) { return std::max(one, two); });
  const LatencySummary summary = summarize(std::move(late_ns));
  return arguments.as_json ? "{" + figures_json(summary) + "}" : figures_text(summary);
}

}  // namespace

void add_gaps_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("gaps", "How late two idle threads notice what is due");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--iterations", arguments->iterations, "requests due (default 1000000)")
      ->check(CLI::Range(1, 100'000'000));
  command->add_option("--rate", arguments->rate, "requests due per second (default 500000)")
      ->check(CLI::Range(1.0, 1e9));
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
