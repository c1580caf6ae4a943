// SPDX-License-Identifier: MIT
//
// `mcpwire approve`: shows exactly what a configuration file would start, asks, and remembers the
// answer. Literal values of env and headers are shown but for those whose names say "secret".
#include "client/environment_block.hpp"
#include "daemon/config/approvals.hpp"
#include "daemon/config/duration.hpp"
#include "daemon/config/escape.hpp"
#include "daemon/config/expand.hpp"
#include "daemon/config/http_syntax.hpp"
#include "daemon/config/load.hpp"
#include "protocol/base/ascii.hpp"
#include "tools/mcpwire/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;

/// In lower case. Literal values beside such names are not put on a screen.
constexpr std::array<std::string_view, 6> kSecretNames = {"token",    "key",  "secret",
                                                          "password", "auth", "credential"};

/// The value as the file has it, unless its name says that it is secret.
void show_value(Output& out, std::string_view name, std::string_view value) {
  const std::string lower = lower_case(name);
  const bool is_secret = std::ranges::any_of(
      kSecretNames, [&](std::string_view part) { return lower.find(part) != std::string::npos; });
  out.own(" = ");
  if (is_secret && config::variables_named_in(value).empty()) {
    out.own("(").own(std::to_string(value.size())).own(" characters, not shown)\n");
  } else {
    out.own(config::quote_exactly(value)).own("\n");
  }
}

void show_url(Output& out, const config::ServerConfig& server) {
  out.own("  url        ").own(config::quote_exactly(server.url)).own("\n");
  for (const auto& [name, value] : server.headers) {
    out.own("  header     ").own(config::quote_exactly(name));
    show_value(out, name, value);
  }
}

void show_settings(Output& out, const config::ServerConfig& server) {
  out.own("  type       ").own(config::quote_exactly(server.type_name)).own("\n");
  for (const auto& [key, value] : server.settings) {
    out.own("  key        ").own(config::quote_exactly(key));
    show_value(out, key, value);
  }
}

void show_command(Output& out, const config::ServerConfig& server) {
  out.own("  command    ").own(config::quote_exactly(server.command)).own("\n");
  for (const std::string& argument : server.arguments) {
    out.own("  argument   ").own(config::quote_exactly(argument)).own("\n");
  }
  for (const auto& [name, value] : server.environment) {
    out.own("  variable   ").own(config::quote_exactly(name));
    show_value(out, name, value);
  }
  if (!server.working_directory.empty()) {
    out.own("  runs in    ").own(config::quote_exactly(server.working_directory)).own("\n");
  }
}

void show_server(Output& out, const config::ServerConfig& server, bool approved) {
  out.own("\n")
      .own(config::quote_exactly(server.name))
      .own(approved ? "  (approved already)\n" : "\n");
  if (server.type == config::ServerType::kStdio) {
    show_command(out, server);
  } else if (server.type == config::ServerType::kOther) {
    show_settings(out, server);
  } else {
    show_url(out, server);
  }
}

/// True for "y" or "yes". Anything else, the end of the input included, is no.
bool ask(Context& context, std::size_t count) {
  context.out.own("\nMay mcpwire use ").own(count == 1 ? "this server" : "these servers");
  context.out.own(" from now on? [y/N] ").flush();
  std::string answer;
  std::array<char, 1> letter{};
  while (answer.size() < 16) {
    const ssize_t bytes = ::read(STDIN_FILENO, letter.data(), 1);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0 || letter[0] == '\n') break;
    answer += letter[0];
  }
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// The daemon looks for approvals where the variables it is told lead, so that is where they go.
Result<std::string> told_approvals_path() {
  constexpr std::size_t kBlockBytesMax = 64 * 1024;
  const std::string block = TRY(client::build_environment_block("", environ, kBlockBytesMax));
  return config::approvals_path(config::parse_environment_block(block));
}

Result<ExitCode> approve(Context& context) {
  const CommandLine& line = context.line;
  const std::string& chosen = line.approve_path.empty() ? line.config_path : line.approve_path;
  const auto found = TRY(find_configuration(context, chosen));
  const auto loaded = TRY(config::load_configuration(context.files, found.path, ::geteuid()));
  auto approvals =
      TRY(config::Approvals::load(context.files, TRY(told_approvals_path()), ::geteuid()));

  context.out.own("file       ").own(config::quote_exactly(found.path)).own("\n");
  context.out.own("directory  ").own(config::quote_exactly(loaded.directory)).own("\n");
  std::vector<config::ServerConfig> pending;
  for (const config::ServerConfig& server : loaded.configuration.servers) {
    const bool approved = approvals.is_approved(server, loaded.directory);
    show_server(context.out, server, approved);
    if (!approved) pending.push_back(server);
  }
  for (const config::Problem& problem : loaded.configuration.problems) {
    context.err.own("mcpwire: left out: ").message(problem.error.message()).own("\n");
  }
  if (pending.empty()) {
    context.out.own("\nNothing is left to approve.\n");
    return ExitCode::kOk;
  }
  if (line.consent == Consent::kAsk) {
    if (::isatty(STDIN_FILENO) == 0) {
      return fail(ErrorKind::kConfiguration, ErrorCode::kConfigUnapproved,
                  "standard input is no terminal, so nobody can be asked; --yes approves");
    }
    if (!ask(context, pending.size())) {
      context.out.own("Nothing was approved.\n");
      return ExitCode::kUsage;
    }
  }
  TRY(approvals.approve(context.files, pending, loaded.directory));
  context.out.own("Approved.\n");
  return ExitCode::kOk;
}

}  // namespace

ExitCode run_approve(Context& context) {
  const auto code = approve(context);
  return code ? *code : report(context, code.error());
}

}  // namespace mcpwire::cli
