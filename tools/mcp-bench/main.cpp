// SPDX-License-Identifier: MIT
//
// mcp-bench: measures mcpwire beside what it replaces. It brings its own daemon and server, in a
// folder of its own, and leaves nothing behind.
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/process_time.hpp"

#include "protocol/outcome.hpp"
#include "protocol/version.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace mcpwire;
using bench_tool::LatencyOptions;
using bench_tool::Method;
using bench_tool::Path;

void add_latency_options(CLI::App& command, LatencyOptions& options, bool& as_json) {
  const std::map<std::string, Path> paths = {
      {"ring", Path::kRing}, {"daemon", Path::kDaemon}, {"direct", Path::kDirect}};
  const std::map<std::string, Method> methods = {{"ping", Method::kPing}, {"call", Method::kCall}};
  command.add_option("--path", options.path, "ring, daemon or direct (default daemon)")
      ->transform(CLI::CheckedTransformer(paths));
  command.add_option("--method", options.method, "ping or call (default call)")
      ->transform(CLI::CheckedTransformer(methods));
  command.add_option("--payload", options.payload_bytes, "bytes of the message (default 32)")
      ->check(CLI::Range(0, 16 * 1024 * 1024));
  command.add_option("--iterations", options.iterations, "timed round trips (default 20000)")
      ->check(CLI::Range(1, 100'000'000));
  command.add_option("--gap", options.gap_ns, "nanoseconds of silence between two (default 0)");
  command.add_option("--pin", options.pins, "CPUs of client, daemon, server; -1 leaves one free")
      ->delimiter(',')
      ->expected(1, 3);
  command.add_flag("--socket-only", options.socket_only, "daemon path without shared memory");
  command.add_option("--spin", options.spin_ns, "nanoseconds the client spins before it sleeps");
  command.add_flag("--json", as_json, "one JSON object instead of a line for people");
}

Result<bench_tool::LatencySummary> measure(const LatencyOptions& options) {
  switch (options.path) {
    case Path::kRing:
      return bench_tool::measure_ring(options);
    case Path::kDaemon:
      return bench_tool::measure_daemon(options);
    case Path::kDirect:
      break;
  }
  return bench_tool::measure_direct(options);
}

constexpr int kFailed = static_cast<int>(protocol::ExitCode::kUsage);

int print_line(const std::string& text) {
  return std::puts(text.c_str()) < 0 || std::fflush(stdout) != 0 ? kFailed : 0;
}

int report_failure(const Error& error) {
  std::fprintf(stderr, "mcp-bench: %s\n", error.message().c_str());
  return kFailed;
}

int run_latency(const LatencyOptions& options, bool as_json) {
  const Result<bench_tool::LatencySummary> summary = measure(options);
  if (!summary.has_value()) return report_failure(summary.error());
  return print_line(as_json ? bench_tool::summary_json(options, *summary)
                            : bench_tool::summary_text(options, *summary));
}

struct ProcessOptions {
  std::size_t iterations = 200;
  std::vector<std::string> command;
};

int run_process(const ProcessOptions& options, bool as_json) {
  const Result<bench_tool::LatencySummary> summary =
      bench_tool::measure_process(options.command, options.iterations);
  if (!summary.has_value()) return report_failure(summary.error());
  return print_line(as_json ? "{" + bench_tool::figures_json(*summary) + "}"
                            : bench_tool::figures_text(*summary));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures mcpwire beside what it replaces.", "mcp-bench");
  app.set_version_flag("--version", std::string(kVersion));
  app.require_subcommand(1);
  CLI::App* latency = app.add_subcommand("latency", "Round-trip times of one path");
  LatencyOptions options;
  bool as_json = false;
  add_latency_options(*latency, options, as_json);
  CLI::App* process = app.add_subcommand("process", "Whole-process times of a command");
  ProcessOptions process_options;
  process->add_option("--iterations", process_options.iterations, "timed runs (default 200)")
      ->check(CLI::Range(1, 1'000'000));
  process->add_flag("--json", as_json, "one JSON object instead of a line for people");
  process->add_option("command", process_options.command, "the command, behind --")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  if (process->parsed()) return run_process(process_options, as_json);
  return run_latency(options, as_json);
}
