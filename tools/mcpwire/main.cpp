// SPDX-License-Identifier: MIT
//
// mcpwire: the command line. Parses, runs one command, and turns what became of it into an exit
// code.
#include "io/system_file_system.hpp"
#include "tools/mcpwire/command_line.hpp"
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/last_words.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;

config::EnvironmentMap current_environment() {
  config::EnvironmentMap environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return environment;
}

std::string current_directory() {
  const std::unique_ptr<char, void (*)(void*)> path(::getcwd(nullptr, 0), std::free);
  return path == nullptr ? std::string() : std::string(path.get());
}

ExitCode run(Context& context) {
  switch (context.line.command) {
    case Command::kList:
      return run_list(context);
    case Command::kInfo:
      return run_info(context);
    case Command::kCall:
      return run_call(context);
    case Command::kPing:
      return run_ping(context);
    case Command::kDaemonStart:
      return run_daemon_start(context);
    case Command::kDaemonStatus:
      return run_daemon_status(context);
    case Command::kDaemonStop:
      return run_daemon_stop(context);
    case Command::kApprove:
      return run_approve(context);
    case Command::kRequest:
      return run_request(context);
    case Command::kResources:
    case Command::kTemplates:
    case Command::kPrompts:
      return run_items(context);
    case Command::kRead:
      return run_read(context);
    case Command::kPrompt:
      return run_prompt(context);
    case Command::kComplete:
      return run_complete(context);
    case Command::kListen:
      return run_listen(context);
  }
  return ExitCode::kUsage;
}

ExitCode main_function(int argc, const char* const* argv) {
  Output out(STDOUT_FILENO);
  Output err(STDERR_FILENO);
  auto line = parse_command_line(argc, argv);
  if (!line) {
    const bool wanted = line.error().exit_code == ExitCode::kOk;
    (wanted ? out : err).own(line.error().text);
    if (!wanted && line.error().format == Format::kJson) {
      const Error why =
          Error::with_detail(ErrorKind::kInvalid, ErrorCode::kUnspecified, line.error().message);
      out.own(failure_json(protocol::Outcome::kNotSent, false, error_json(why)));
    }
    return settle(out, err, line.error().exit_code);
  }
  if (!is_writable(STDOUT_FILENO)) {
    // Afterwards it would be too late: a tool would have run for nobody.
    err.own("mcpwire: standard output cannot be written: it is closed; nothing was sent\n");
    return settle(out, err, ExitCode::kUsage);
  }
  line->started_ns = monotonic_now_ns();
  io::SystemFileSystem files;
  Context context{*line, current_environment(), current_directory(), files, out, err};
  const ExitCode code = settle(out, err, run(context));
  const int signal = out.interrupted_by() != 0 ? out.interrupted_by() : err.interrupted_by();
  if (signal != 0) end_by_signal(signal);
  return code;
}

}  // namespace
}  // namespace mcpwire::cli

int main(int argc, char** argv) {
  mcpwire::cli::occupy_standard_descriptors();
  mcpwire::cli::ignore_write_signals();
  mcpwire::cli::install_last_words();
  return static_cast<int>(mcpwire::cli::main_function(argc, argv));
}
