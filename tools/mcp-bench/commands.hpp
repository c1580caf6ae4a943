// SPDX-License-Identifier: MIT
//
// The subcommands of mcp-bench, each added to the command line by its own file.
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <functional>
#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name.
class App;
}

namespace mcpwire::bench_tool {

/// What the command line asked for: measures, and gives the text to print.
using Measurement = std::function<Result<std::string>()>;

// Each adds one subcommand, which sets `chosen` when it is parsed. `app` outlives `chosen`.
void add_crowd_command(CLI::App& app, Measurement& chosen);
void add_gaps_command(CLI::App& app, Measurement& chosen);
void add_idle_command(CLI::App& app, Measurement& chosen);
void add_latency_command(CLI::App& app, Measurement& chosen);
void add_process_command(CLI::App& app, Measurement& chosen);
void add_start_command(CLI::App& app, Measurement& chosen);
void add_throughput_command(CLI::App& app, Measurement& chosen);
void add_transfer_command(CLI::App& app, Measurement& chosen);

/// --method ping|call, which `method` outlives.
void add_ping_or_call_option(CLI::App& command, Method& method);

}  // namespace mcpwire::bench_tool
