// SPDX-License-Identifier: MIT
//
// The crowd command of mcp-bench: many client processes of one daemon at the same time.
//
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mcpwire::bench_tool {

struct CrowdOptions {
  std::size_t clients = 1;  ///< Each makes one round trip after the other, all are timed.
  std::size_t floods = 0;   ///< Further clients, not timed, with many requests in flight.
  std::size_t servers = 1;  ///< For Method::kCall: client number i calls server i modulo this.
  Method method = Method::kPing;  ///< Or Method::kCall: `echo`.
  std::uint64_t milliseconds = 2000;
  std::uint64_t gap_ns = 0;  ///< Silence of a client between two round trips.
};

/// What one client process did.
struct ClientReport {
  std::vector<std::uint32_t> samples;  ///< Nanoseconds each; of a flood none.
  std::uint64_t answers = 0;           ///< That a flood got.
  double cpu_seconds = 0;
};

struct CrowdSummary {
  LatencySummary latency;  ///< per_second: of all timed clients together.
  /// Processor seconds per second of the measurement: 2 means two full cores.
  double clients_cpu = 0;
  double daemon_cpu = 0;
  double servers_cpu = 0;
  double floods_per_second = 0;  ///< Answers that the floods got.
};

/// Starts the client processes, lets them begin together, and adds up what they report.
/// `observer` is a connection to the daemon beside theirs.
Result<CrowdSummary> run_crowd(const client::ConnectOptions& connect, const CrowdOptions& options,
                               const OwnDaemon& daemon, client::Connection& observer);

/// One of client number `index`.
Result<void> round_trip(client::Connection& connection, const CrowdOptions& options,
                        std::size_t index);

/// The work of one timed client, number `index`: for four fifths of the time; the first warms up.
Result<ClientReport> run_timed_client(client::Connection& connection, const CrowdOptions& options,
                                      std::size_t index);
Result<ClientReport> run_flood_client(client::Connection& connection, const CrowdOptions& options);

}  // namespace mcpwire::bench_tool
