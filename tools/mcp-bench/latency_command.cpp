// SPDX-License-Identifier: MIT
//
// mcp-bench latency: round-trip times of one path, one request at a time.
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <memory>
#include <string>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  LatencyOptions options;
  bool as_json = false;
};

void add_options(CLI::App& command, Arguments& arguments) {
  LatencyOptions& options = arguments.options;
  const std::map<std::string, Path> paths = {
      {"ring", Path::kRing}, {"daemon", Path::kDaemon}, {"direct", Path::kDirect}};
  const std::map<std::string, Method> methods = {
      {"ping", Method::kPing}, {"call", Method::kCall}, {"blob", Method::kBlob}};
  const std::map<std::string, Transport> transports = {{"stdio", Transport::kStdio},
                                                       {"http", Transport::kHttp}};
  command
      .add_option("--transport", options.transport, "to the server: stdio or http (default stdio)")
      ->transform(CLI::CheckedTransformer(transports));
  command.add_option("--path", options.path, "ring, daemon or direct (default daemon)")
      ->transform(CLI::CheckedTransformer(paths));
  command.add_option("--method", options.method, "ping, call or blob (default call)")
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
  command.add_flag("--json", arguments.as_json, "one JSON object instead of a line for people");
}

Result<LatencySummary> measure(const LatencyOptions& options) {
  const bool is_http = options.transport == Transport::kHttp;
  if (is_http && (options.method != Method::kCall || options.path == Path::kRing)) {
    return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
                std::string("over HTTP only calls are measured, by the daemon or directly"));
  }
  switch (options.path) {
    case Path::kRing:
      return measure_ring(options);
    case Path::kDaemon:
      return measure_daemon(options);
    case Path::kDirect:
      break;
  }
  return is_http ? measure_direct_http(options) : measure_direct(options);
}

Result<std::string> run(const Arguments& arguments) {
  const LatencySummary summary = TRY(measure(arguments.options));
  return arguments.as_json ? summary_json(arguments.options, summary)
                           : summary_text(arguments.options, summary);
}

}  // namespace

void add_ping_or_call_option(CLI::App& command, Method& method) {
  const std::map<std::string, Method> methods = {{"ping", Method::kPing}, {"call", Method::kCall}};
  command.add_option("--method", method, "ping or call (default ping)")
      ->transform(CLI::CheckedTransformer(methods));
}

void add_latency_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("latency", "Round-trip times of one path");
  const auto arguments = std::make_shared<Arguments>();
  add_options(*command, *arguments);
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
