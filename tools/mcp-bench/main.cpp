// SPDX-License-Identifier: MIT
//
// mcp-bench: measures mcpwire beside what it replaces. It brings its own daemon and server, in a
// folder of its own, and leaves nothing behind.
#include "protocol/outcome.hpp"
#include "protocol/version.hpp"
#include "tools/detail/help_format.hpp"
#include "tools/mcp-bench/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace {

using namespace mcpwire;

constexpr int kFailed = static_cast<int>(protocol::ExitCode::kUsage);

int run(const bench_tool::Measurement& measurement) {
  const Result<std::string> report = measurement();
  if (!report.has_value()) {
    std::fprintf(stderr, "mcp-bench: %s\n", report.error().message().c_str());
    return kFailed;
  }
  return std::puts(report->c_str()) < 0 || std::fflush(stdout) != 0 ? kFailed : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures mcpwire beside what it replaces.", "mcp-bench");
  app.formatter(std::make_shared<tools::HelpFormat>());
  app.set_version_flag("--version", std::string(kVersion));
  app.require_subcommand(1);
  bench_tool::Measurement chosen;
  bench_tool::add_crowd_command(app, chosen);
  bench_tool::add_gaps_command(app, chosen);
  bench_tool::add_idle_command(app, chosen);
  bench_tool::add_latency_command(app, chosen);
  bench_tool::add_process_command(app, chosen);
  bench_tool::add_start_command(app, chosen);
  bench_tool::add_throughput_command(app, chosen);
  bench_tool::add_transfer_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  return run(chosen);
}
