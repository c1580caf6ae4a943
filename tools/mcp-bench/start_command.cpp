// SPDX-License-Identifier: MIT
//
// mcp-bench start: from asking for a server that does not run to its first answer: through the
// daemon, which spawns it and negotiates, and beside it by posix_spawn and its pipes.
#include "protocol/base/system_clock.hpp"
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/direct_server.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <map>
#include <memory>
#include <string>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  Path path = Path::kDaemon;
  std::size_t servers = 50;
  bool as_json = false;
};

/// Each server is started once: its first call is the measurement.
Result<Samples> start_by_daemon(std::size_t servers) {
  OwnDaemon daemon = TRY(OwnDaemon::create(servers + 1));
  client::Connection connection = TRY(daemon.connect(daemon.connect_options()));
  TRY(echo_call(connection, server_name(servers)));  // Loads the configuration, warms the caches.
  Samples samples;
  for (std::size_t i = 0; i < servers; ++i) {
    const std::string name = server_name(i);
    const std::uint64_t before_ns = monotonic_now_ns();
    TRY(echo_call(connection, name));
    samples.push_back(monotonic_now_ns() - before_ns);
  }
  return samples;
}

/// A server that has answered.
Result<DirectServer> start_and_ask(const std::string& program) {
  DirectServer server = TRY(DirectServer::start(program));
  TRY(server.initialize());
  const std::string_view answer = TRY(server.exchange(
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}})"
      "\n"));
  if (answer.find("hello") != std::string_view::npos) return server;
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
}

Result<Samples> start_directly(std::size_t servers) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string program = TRY(sibling_program("mcpwire-demo-server"));
  TRY(start_and_ask(program));
  Samples samples;
  for (std::size_t i = 0; i < servers; ++i) {
    const std::uint64_t before_ns = monotonic_now_ns();
    const DirectServer server = TRY(start_and_ask(program));
    samples.push_back(monotonic_now_ns() - before_ns);
  }
  return samples;
}

Result<std::string> run(const Arguments& arguments) {
  Samples samples = TRY(arguments.path == Path::kDaemon ? start_by_daemon(arguments.servers)
                                                        : start_directly(arguments.servers));
  const LatencySummary summary = summarize(std::move(samples));
  return arguments.as_json ? "{" + figures_json(summary) + "}" : figures_text(summary);
}

}  // namespace

void add_start_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("start", "From a server that does not run to its answer");
  const auto arguments = std::make_shared<Arguments>();
  const std::map<std::string, Path> paths = {{"daemon", Path::kDaemon}, {"direct", Path::kDirect}};
  command->add_option("--path", arguments->path, "daemon or direct (default daemon)")
      ->transform(CLI::CheckedTransformer(paths));
  command->add_option("--servers", arguments->servers, "how many are started (default 50)")
      ->check(CLI::Range(1, 500));
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
