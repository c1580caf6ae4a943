// SPDX-License-Identifier: MIT
//
// The latency command of mcp-bench: what is measured, and what a measurement yields.
//
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"
#include "tools/mcp-bench/loop_figures.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::bench_tool {

enum class Path : std::uint8_t {
  kRing,    ///< Two processes and two rings, no daemon.
  kDaemon,  ///< Through a daemon of our own, to a demo server of our own.
  kDirect,  ///< The demo server over its pipes, no daemon.
};

enum class Method : std::uint8_t {
  kPing,
  kCall,  ///< `echo` of the payload.
  kBlob,  ///< Only the answer is as large as the payload; every byte of it is looked at.
};

enum class Transport : std::uint8_t { kStdio, kHttp };

struct LatencyOptions {
  Path path = Path::kDaemon;
  Transport transport = Transport::kStdio;  ///< To the demo server; over HTTP only kCall.
  Method method = Method::kCall;
  std::size_t payload_bytes = 32;
  std::size_t iterations = 20'000;
  std::uint64_t gap_ns = 0;  ///< Silence between two calls.
  /// CPUs of client, daemon and server, as far as the path has them; -1 leaves one unpinned.
  std::vector<int> pins;
  bool socket_only = false;   ///< Daemon path: without shared memory.
  std::int64_t spin_ns = -1;  ///< Daemon path: the client's spin budget; -1: its default.
};

/// From all round trips of a measurement, none left out.
struct LatencySummary {
  std::size_t samples = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t p999_ns = 0;
  std::uint64_t max_ns = 0;
  double per_second = 0;  ///< Round trips over the sum of their times, silences left out.
  std::optional<LoopFigures> loops = {};  ///< Of the daemon, where there is one.
};

/// Nanoseconds each, in any order.
using Samples = std::vector<std::uint64_t>;

/// REQUIRES: at least one sample.
LatencySummary summarize(Samples samples);

/// Makes one checked round trip; fails when the answer is not what was asked for.
using RoundTrip = std::function<Result<void>()>;

/// Warms up with a tenth of the iterations (at most 2,000), then times each.
Result<LatencySummary> time_round_trips(const LatencyOptions& options, const RoundTrip& round_trip);

Result<LatencySummary> measure_ring(const LatencyOptions& options);
Result<LatencySummary> measure_daemon(const LatencyOptions& options);
Result<LatencySummary> measure_direct(const LatencyOptions& options);
Result<LatencySummary> measure_direct_http(const LatencyOptions& options);

/// The members n, p50_ns, p99_ns, p999_ns, max_ns, per_second and those of the loops of a JSON
/// object, without braces.
std::string figures_json(const LatencySummary& summary);
/// The same for a person.
std::string figures_text(const LatencySummary& summary);

/// One JSON object on one line: path, method, payload and what figures_json() gives.
std::string summary_json(const LatencyOptions& options, const LatencySummary& summary);
/// The same as one line for a person.
std::string summary_text(const LatencyOptions& options, const LatencySummary& summary);

std::string_view path_name(Path path) noexcept;
std::string_view method_name(Method method) noexcept;

}  // namespace mcpwire::bench_tool
