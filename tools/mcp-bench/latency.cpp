// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/latency.hpp"

#include "protocol/base/system_clock.hpp"
#include "tools/mcp-bench/host.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

std::uint64_t percentile(const Samples& sorted, std::size_t per_mille) {
  return sorted[std::min(sorted.size() - 1, sorted.size() * per_mille / 1000)];
}

double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e3; }

}  // namespace

LatencySummary summarize(Samples samples) {
  std::ranges::sort(samples);
  const auto total = std::accumulate(samples.begin(), samples.end(), std::uint64_t{0});
  return {samples.size(),
          percentile(samples, 500),
          percentile(samples, 990),
          percentile(samples, 999),
          samples.back(),
          static_cast<double>(samples.size()) * 1e9 / static_cast<double>(total),
          std::nullopt};
}

std::string_view path_name(Path path) noexcept {
  switch (path) {
    case Path::kRing:
      return "ring";
    case Path::kDaemon:
      return "daemon";
    case Path::kDirect:
      break;
  }
  return "direct";
}

std::string_view method_name(Method method) noexcept {
  switch (method) {
    case Method::kPing:
      return "ping";
    case Method::kCall:
      return "call";
    case Method::kBlob:
      break;
  }
  return "blob";
}

Result<LatencySummary> time_round_trips(const LatencyOptions& options,
                                        const RoundTrip& round_trip) {
  const std::size_t warm_up = std::min<std::size_t>(options.iterations / 10 + 1, 2'000);
  for (std::size_t count = 0; count < warm_up; ++count) TRY(round_trip());
  Samples samples;
  samples.reserve(options.iterations);
  for (std::size_t count = 0; count < options.iterations; ++count) {
    wait_ns(options.gap_ns);
    const std::uint64_t started_ns = monotonic_now_ns();
    TRY(round_trip());
    samples.push_back(monotonic_now_ns() - started_ns);
  }
  return summarize(std::move(samples));
}

std::string figures_json(const LatencySummary& summary) {
  std::string text(256, '\0');
  const int written = std::snprintf(
      text.data(), text.size(),
      R"("n":%zu,"p50_ns":%llu,"p99_ns":%llu,"p999_ns":%llu,"max_ns":%llu,"per_second":%.0f)",
      summary.samples, static_cast<unsigned long long>(summary.p50_ns),
      static_cast<unsigned long long>(summary.p99_ns),
      static_cast<unsigned long long>(summary.p999_ns),
      static_cast<unsigned long long>(summary.max_ns), summary.per_second);
  text.resize(static_cast<std::size_t>(written));
  return summary.loops.has_value() ? text + "," + loop_json(*summary.loops) : text;
}

std::string figures_text(const LatencySummary& summary) {
  std::string text(256, '\0');
  const int written = std::snprintf(
      text.data(), text.size(), "p50 %.2f us, p99 %.2f us, p99.9 %.2f us, max %.2f us (n %zu)",
      microseconds(summary.p50_ns), microseconds(summary.p99_ns), microseconds(summary.p999_ns),
      microseconds(summary.max_ns), summary.samples);
  text.resize(static_cast<std::size_t>(written));
  return summary.loops.has_value() ? text + "; " + loop_text(*summary.loops) : text;
}

std::string summary_json(const LatencyOptions& options, const LatencySummary& summary) {
  return R"({"path":")" + std::string(path_name(options.path)) + R"(","method":")" +
         std::string(method_name(options.method)) + R"(","payload":)" +
         std::to_string(options.payload_bytes) + "," + figures_json(summary) + "}";
}

std::string summary_text(const LatencyOptions& options, const LatencySummary& summary) {
  return std::string(path_name(options.path)) + " " + std::string(method_name(options.method)) +
         ", " + std::to_string(options.payload_bytes) + " bytes: " + figures_text(summary);
}

}  // namespace mcpwire::bench_tool
