// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/loop_figures.hpp"

#include <cstdio>

namespace mcpwire::bench_tool {
namespace {

std::string formatted(const char* format, double one, double two, double three) {
  std::string text(160, '\0');
  const int written = std::snprintf(text.data(), text.size(), format, one, two, three);
  text.resize(static_cast<std::size_t>(written));
  return text;
}

/// `between` and the system calls of each call; nothing where there was none.
std::string per_call(const LoopFigures& figures, const char* format) {
  if (figures.calls == 0) return {};
  return formatted(
      format, static_cast<double>(figures.system_calls) / static_cast<double>(figures.calls), 0, 0);
}

}  // namespace

Result<client::LoopStatus> look_at_loops(client::Connection& connection) {
  client::LoopStatus state;
  const client::DaemonStatus status = TRY(connection.status());
  for (const client::LoopStatus& loop : status.loops) {
    state.turns += loop.turns;
    state.system_calls += loop.system_calls;
    state.calls += loop.calls;
    state.lag += loop.lag;
  }
  return state;
}

LoopFigures loop_figures(const client::LoopStatus& before, const client::LoopStatus& after) {
  const telemetry::Distribution lag = after.lag.since(before.lag);
  return {lag.percentile(0.5), lag.percentile(0.99), lag.max,
          after.system_calls - before.system_calls, after.calls - before.calls};
}

std::string loop_json(const LoopFigures& figures) {
  return formatted(R"("loop_lag_p50_ns":%.0f,"loop_lag_p99_ns":%.0f,"loop_lag_max_ns":%.0f)",
                   static_cast<double>(figures.lag_p50_ns), static_cast<double>(figures.lag_p99_ns),
                   static_cast<double>(figures.lag_max_ns)) +
         per_call(figures, R"(,"system_calls_per_call":%.2f)");
}

std::string loop_text(const LoopFigures& figures) {
  constexpr double kMicrosecond = 1e3;
  return formatted("loop lag p50 %.2f us, p99 %.2f us, max %.2f us",
                   static_cast<double>(figures.lag_p50_ns) / kMicrosecond,
                   static_cast<double>(figures.lag_p99_ns) / kMicrosecond,
                   static_cast<double>(figures.lag_max_ns) / kMicrosecond) +
         per_call(figures, ", %.2f system calls per call");
}

}  // namespace mcpwire::bench_tool
