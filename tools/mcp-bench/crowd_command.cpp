// SPDX-License-Identifier: MIT
//
// mcp-bench crowd: what each round trip of many clients costs, what all of them get done, and what
// processor time that takes.
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/crowd.hpp"
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  CrowdOptions crowd;
  std::int64_t spin_ns = -1;
  bool socket_only = false;
  bool ignores_leave = false;
  bool as_json = false;
};

std::string text_of(const Arguments& arguments, const CrowdSummary& summary) {
  const char* const format =
      arguments.as_json
          ? R"({"method":"%s","clients":%zu,"floods":%zu,"servers":%zu,%s,"floods_per_second":%.0f,"clients_cpu":%.2f,"daemon_cpu":%.2f,"servers_cpu":%.2f,"per_daemon_second":%.0f})"
          : "%s, %zu clients, %zu floods, %zu servers: %s; floods %.0f/s; processors: clients "
            "%.2f, daemon %.2f, servers %.2f; %.0f per second of daemon CPU";
  const std::string figures =
      arguments.as_json
          ? figures_json(summary.latency)
          : figures_text(summary.latency) + ", " +
                std::to_string(static_cast<std::uint64_t>(summary.latency.per_second)) + "/s";
  std::string text(1024, '\0');
  text.resize(static_cast<std::size_t>(std::snprintf(
      text.data(), text.size(), format, std::string(method_name(arguments.crowd.method)).c_str(),
      arguments.crowd.clients, arguments.crowd.floods, arguments.crowd.servers, figures.c_str(),
      summary.floods_per_second, summary.clients_cpu, summary.daemon_cpu, summary.servers_cpu,
      (summary.latency.per_second + summary.floods_per_second) / summary.daemon_cpu)));
  return text;
}

Result<std::string> run(const Arguments& arguments) {
  OwnDaemon daemon = TRY(OwnDaemon::create(arguments.crowd.servers));
  client::ConnectOptions options = daemon.connect_options();
  if (arguments.socket_only) options.ring_bytes = 0;
  if (arguments.ignores_leave) options.spin_leave = client::SpinLeave::kIgnore;
  if (arguments.spin_ns >= 0) options.spin_ns = static_cast<std::uint64_t>(arguments.spin_ns);
  client::Connection observer = TRY(daemon.connect(options));
  return text_of(arguments, TRY(run_crowd(options, arguments.crowd, daemon, observer)));
}

}  // namespace

void add_crowd_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("crowd", "Many client processes side by side");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--clients", arguments->crowd.clients, "timed client processes (default 1)")
      ->check(CLI::Range(1, 256));
  command
      ->add_option("--floods", arguments->crowd.floods,
                   "clients with 64 requests in flight (default 0)")
      ->check(CLI::Range(0, 64));
  add_ping_or_call_option(*command, arguments->crowd.method);
  command->add_option("--servers", arguments->crowd.servers, "servers that are called (default 1)")
      ->check(CLI::Range(1, 256));
  command->add_option("--milliseconds", arguments->crowd.milliseconds, "of the run (default 2000)")
      ->check(CLI::Range(10, 600'000));
  command->add_option("--gap", arguments->crowd.gap_ns,
                      "nanoseconds of silence between two (default 0)");
  command->add_option("--spin", arguments->spin_ns, "nanoseconds a client spins before it sleeps");
  command->add_flag("--ignore-leave", arguments->ignores_leave,
                    "clients spin without asking the daemon for leave");
  command->add_flag("--socket-only", arguments->socket_only, "without shared memory");
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
