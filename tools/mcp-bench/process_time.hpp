// SPDX-License-Identifier: MIT
//
// Whole-process time: from before the spawn of a command to after its exit, as a shell sees it.
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace mcpwire::bench_tool {

/// Runs `command` (PATH is searched) once per iteration with its output to /dev/null. Fails when
/// one of the runs does not exit with 0.
Result<LatencySummary> measure_process(const std::vector<std::string>& command,
                                       std::size_t iterations);

}  // namespace mcpwire::bench_tool
