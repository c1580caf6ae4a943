// SPDX-License-Identifier: MIT
//
// Two processes and two rings: the floor under everything that goes through the daemon.
#include "bench/ring/ring_pingpong.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <algorithm>

namespace mcpwire::bench_tool {

Result<LatencySummary> measure_ring(const LatencyOptions& options) {
  if (options.method != Method::kPing) {
    return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
                "the ring path has no tools: use --method ping");
  }
  bench::PingPongOptions pingpong;
  pingpong.payload_bytes = {static_cast<std::uint32_t>(options.payload_bytes)};
  pingpong.blocks = 10;
  pingpong.samples_per_block =
      static_cast<std::uint32_t>(std::max<std::size_t>(1, options.iterations / pingpong.blocks));
  pingpong.with_sockets = false;
  for (const bench::PingPongResult& result : TRY(bench::run_ring_pingpong(pingpong))) {
    if (result.contender != "ring") continue;
    return LatencySummary{
        result.samples,
        result.p50_ns,
        result.p99_ns,
        result.p999_ns,
        result.max_ns,
        static_cast<double>(result.samples) * 1e9 / static_cast<double>(result.total_ns)};
  }
  return fail(ErrorKind::kInternal, ErrorCode::kUnspecified, "the ring was not measured");
}

}  // namespace mcpwire::bench_tool
