// SPDX-License-Identifier: MIT
//
// `mcpwire info`: one tool with its parameters and an example, or a server with its tools.
#include "daemon/config/nearest_name.hpp"
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/render_result.hpp"
#include "tools/mcpwire/render_tools.hpp"

#include <string>
#include <vector>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;

std::string_view state_name(protocol::ServerState state) noexcept {
  switch (state) {
    case protocol::ServerState::kConfigured:
      return "not running";
    case protocol::ServerState::kStarting:
      return "starting";
    case protocol::ServerState::kReady:
      return "ready";
    case protocol::ServerState::kFailed:
      return "failed";
  }
  return "unknown";
}

/// The tools of the one server, or why there are none.
Result<client::ToolsSuccess> tools_of(Context& context, client::Connection& connection) {
  client::ToolsListing listing =
      TRY(connection.list_tools(context.line.server, 0, deadline_of(context.line, 0)));
  if (!listing.successes.empty()) return std::move(listing.successes.front());
  if (!listing.failures.empty()) return fail(std::move(listing.failures.front().error));
  return fail(ErrorKind::kNotFound, ErrorCode::kUnknownServer,
              "unknown server '" + context.line.server + '\'');
}

ExitCode show_tool(Context& context, const client::ToolsSuccess& server) {
  const auto tool = find_tool(server.tools_json, context.line.tool);
  if (!tool) return report(context, tool.error());
  if (!*tool) {
    std::vector<std::string> names;
    const auto lines = tool_lines(server.tools_json);
    if (lines) {
      for (const ToolLine& line : *lines) names.push_back(line.name);
    }
    return report(context,
                  Error::with_detail(ErrorKind::kNotFound, ErrorCode::kUnknownTool,
                                     config::unknown_name_text("tool", context.line.tool, names)));
  }
  if (context.line.format == Format::kJson) {
    context.out.foreign(**tool).own("\n");
    return ExitCode::kOk;
  }
  const auto text = describe_tool(server.server, **tool);
  if (!text) return report(context, text.error());
  context.out.foreign(*text);
  return ExitCode::kOk;
}

void show_summary(Context& context, const client::ServerSummary& summary) {
  Output& out = context.out;
  out.foreign_line(summary.name);
  if (!summary.detail.empty()) out.own("  ").foreign_line(summary.detail);
  out.own("\n  ").own(state_name(summary.state));
  if (summary.process_id != 0) {
    out.own(", pid ").own(std::to_string(summary.process_id));
    out.own(", calls ").own(std::to_string(summary.calls));
  }
  out.own("\n\n");
}

void show_summary_json(Context& context, const client::ServerSummary& summary) {
  context.out.own("{\"name\":").foreign(json_string(summary.name));
  context.out.own(",\"detail\":").foreign(json_string(summary.detail));
  context.out.own(",\"state\":").own(json_string(state_name(summary.state)));
  context.out.own(",\"pid\":").own(std::to_string(summary.process_id));
  context.out.own(",\"calls\":").own(std::to_string(summary.calls));
}

ExitCode show_server(Context& context, const client::ToolsSuccess& server,
                     const client::ServerSummary& summary) {
  if (context.line.format == Format::kJson) {
    show_summary_json(context, summary);
    context.out.own(",\"tools\":").foreign(server.tools_json).own("}\n");
    return ExitCode::kOk;
  }
  const auto tools = tool_lines(server.tools_json);
  if (!tools) return report(context, tools.error());
  show_summary(context, summary);
  for (const ToolLine& tool : *tools) {
    context.out.own("  ").foreign_line(tool.name).own(tool.signature).own("\n");
    if (!tool.summary.empty()) context.out.own("      ").foreign_line(tool.summary).own("\n");
  }
  if (tools->empty()) context.out.own("  no tools\n");
  return ExitCode::kOk;
}

}  // namespace

ExitCode run_info(Context& context) {
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kYes, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  const auto server = tools_of(context, *connection);
  if (!server) return report(context, server.error());
  if (!context.line.tool.empty()) return show_tool(context, *server);

  const auto summaries = connection->list_servers(deadline_of(context.line, kNever));
  if (!summaries) return report(context, summaries.error());
  for (const client::ServerSummary& summary : *summaries) {
    if (summary.name == server->server) return show_server(context, *server, summary);
  }
  client::ServerSummary unlisted;
  unlisted.name = server->server;
  return show_server(context, *server, unlisted);
}

}  // namespace mcpwire::cli
