// SPDX-License-Identifier: MIT
//
// mcp-bench process: whole-process times of a command.
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/process_time.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  std::size_t iterations = 200;
  std::vector<std::string> command;
  bool as_json = false;
};

Result<std::string> run(const Arguments& arguments) {
  const LatencySummary summary = TRY(measure_process(arguments.command, arguments.iterations));
  return arguments.as_json ? "{" + figures_json(summary) + "}" : figures_text(summary);
}

}  // namespace

void add_process_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("process", "Whole-process times of a command");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--iterations", arguments->iterations, "timed runs (default 200)")
      ->check(CLI::Range(1, 1'000'000));
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->add_option("command", arguments->command, "the command, behind --")->required();
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
