// SPDX-License-Identifier: MIT
//
// The commands of `mcpwire`. Each does its work, writes to `context.out` and `context.err`, and
// returns the exit code; none leaves the process.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "daemon/config/discovery.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/outcome.hpp"
#include "tools/mcpwire/command_line.hpp"
#include "tools/mcpwire/interrupt.hpp"
#include "tools/mcpwire/output.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::cli {

struct Context {
  const CommandLine& line;
  config::EnvironmentMap environment;
  std::string working_directory;  ///< Empty where it cannot be told; an error once it is needed.
  FileSystem& files;
  Output& out;
  Output& err;
};

protocol::ExitCode run_list(Context& context);
protocol::ExitCode run_info(Context& context);
protocol::ExitCode run_call(Context& context);
protocol::ExitCode run_ping(Context& context);
protocol::ExitCode run_daemon_start(Context& context);
protocol::ExitCode run_daemon_status(Context& context);
protocol::ExitCode run_daemon_stop(Context& context);
protocol::ExitCode run_approve(Context& context);
protocol::ExitCode run_request(Context& context);
/// resources, templates and prompts.
protocol::ExitCode run_items(Context& context);
protocol::ExitCode run_read(Context& context);
protocol::ExitCode run_prompt(Context& context);
protocol::ExitCode run_complete(Context& context);
protocol::ExitCode run_listen(Context& context);

// What they share (tools/mcpwire/commands.cpp).

/// The configuration that the command line and the surroundings lead to, links resolved.
Result<config::FoundConfiguration> find_configuration(const Context& context,
                                                      const std::string& chosen_path);

enum class NeedsServers : std::uint8_t { kNo, kYes };

/// Connects with the options that every command uses, within --timeout; a configuration only where
/// it is needed.
Result<client::Connection> connect(const Context& context, NeedsServers needs_servers,
                                   client::AutoStart auto_start, const Interrupt& interrupt);

/// The command's start + --timeout, or `otherwise` where none was given. CLOCK_MONOTONIC.
std::uint64_t deadline_of(const CommandLine& line, std::uint64_t otherwise) noexcept;

/// "mcpwire: <message>" on stderr (and as JSON on stdout where that is wanted), and the code for
/// what was never handed to a server.
protocol::ExitCode report(Context& context, const Error& error);

/// Why a call or request brought no result, on stderr (and as JSON on stdout where that is wanted),
/// and its exit code.
protocol::ExitCode show_failure(Context& context, const client::CallReply& reply);

/// The server answered, with something that cannot be shown: as above, kPeerError.
protocol::ExitCode show_unreadable(Context& context, const Error& error);

/// The one line that --json prints where there is no result (docs/command_line.md). `error` is
/// error_json() or the server's own error object.
std::string failure_json(protocol::Outcome outcome, bool may_have_been_sent,
                         std::string_view error);

/// {"kind":"...","code":N,"message":"..."}
std::string error_json(const Error& error);

}  // namespace mcpwire::cli
