// SPDX-License-Identifier: MIT
//
// LoopFigures: what the loops of a daemon did during a measurement, as the daemon counts it.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::bench_tool {

struct LoopFigures {
  std::uint64_t lag_p50_ns = 0;
  std::uint64_t lag_p99_ns = 0;
  std::uint64_t lag_max_ns = 0;
  std::uint64_t system_calls = 0;
  std::uint64_t calls = 0;  ///< tools/call requests; there may have been none.
};

/// All loops together, since the daemon's start.
Result<client::LoopStatus> look_at_loops(client::Connection& connection);
/// Between the two.
LoopFigures loop_figures(const client::LoopStatus& before, const client::LoopStatus& after);

/// The members loop_lag_p50_ns, loop_lag_p99_ns, loop_lag_max_ns and, where calls were relayed,
/// system_calls_per_call of a JSON object, without braces.
std::string loop_json(const LoopFigures& figures);
/// The same for a person.
std::string loop_text(const LoopFigures& figures);

}  // namespace mcpwire::bench_tool
