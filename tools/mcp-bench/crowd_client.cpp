// SPDX-License-Identifier: MIT
//
// What the clients of a crowd do.
#include "protocol/base/system_clock.hpp"
#include "tools/mcp-bench/crowd.hpp"
#include "tools/mcp-bench/host.hpp"

#include <algorithm>
#include <deque>
#include <string>

namespace mcpwire::bench_tool {
namespace {

constexpr std::size_t kFloodInFlight = 64;

}  // namespace

Result<void> round_trip(client::Connection& connection, const CrowdOptions& options,
                        std::size_t index) {
  if (options.method == Method::kPing) return connection.ping();
  return echo_call(connection, server_name(index % options.servers));
}

Result<ClientReport> run_timed_client(client::Connection& connection, const CrowdOptions& options,
                                      std::size_t index) {
  ClientReport report;
  const std::uint64_t duration_ns = options.milliseconds * kNanosecondsPerMillisecond;
  const std::uint64_t start_ns = monotonic_now_ns();
  while (monotonic_now_ns() < start_ns + duration_ns / 5)
    TRY(round_trip(connection, options, index));
  const std::uint64_t end_ns = start_ns + duration_ns;
  for (std::uint64_t now_ns = monotonic_now_ns(); now_ns < end_ns;) {
    TRY(round_trip(connection, options, index));
    const std::uint64_t after_ns = monotonic_now_ns();
    report.samples.push_back(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(after_ns - now_ns, 0xffff'ffff)));
    now_ns = after_ns;
    if (options.gap_ns == 0) continue;
    wait_ns(options.gap_ns);
    now_ns = monotonic_now_ns();
  }
  return report;
}

Result<ClientReport> run_flood_client(client::Connection& connection, const CrowdOptions& options) {
  ClientReport report;
  const std::uint64_t end_ns =
      monotonic_now_ns() + options.milliseconds * kNanosecondsPerMillisecond;
  std::deque<std::uint64_t> in_flight;
  while (monotonic_now_ns() < end_ns) {
    while (in_flight.size() < kFloodInFlight) in_flight.push_back(TRY(connection.start_ping()));
    for (std::size_t i = 0; i < kFloodInFlight / 2; ++i) {
      const auto reply = connection.wait(in_flight.front());
      if (!reply || reply->outcome != protocol::Outcome::kOk) {
        return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
      }
      in_flight.pop_front();
      ++report.answers;
    }
  }
  return report;
}

}  // namespace mcpwire::bench_tool
