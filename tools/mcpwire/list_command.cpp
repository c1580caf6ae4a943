// SPDX-License-Identifier: MIT
//
// `mcpwire list`: one line per tool, "server/tool  first line of the description", so that the
// first column is what `mcpwire call` takes.
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/render_result.hpp"
#include "tools/mcpwire/render_tools.hpp"

#include <algorithm>
#include <vector>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;

constexpr std::size_t kNameColumnMax = 40;

void print_failures(Context& context, const client::ToolsListing& listing) {
  for (const client::ToolsFailure& failure : listing.failures) {
    context.err.own("mcpwire: ").foreign_line(failure.server).own(": ");
    context.err.message(failure.error.message()).own("\n");
  }
}

/// False if the server's list could not be read.
bool print_tools(Context& context, const client::ToolsSuccess& server) {
  const auto tools = tool_lines(server.tools_json);
  if (!tools) {
    context.err.own("mcpwire: ").foreign_line(server.server).own(": ");
    context.err.message(tools.error().message()).own("\n");
    return false;
  }
  if (tools->empty()) {
    context.err.own("mcpwire: ").foreign_line(server.server).own(": no tools\n");
  }
  std::size_t name_column = 0;
  for (const ToolLine& tool : *tools) name_column = std::max(name_column, width_of(tool.name));
  name_column = std::min(name_column, kNameColumnMax);
  const std::size_t used = width_of(server.server) + 1 + name_column + 2;
  const std::size_t columns = context.out.columns();
  const std::size_t left = columns == 0 ? 0 : std::max<std::size_t>(columns, used + 20) - used;
  for (const ToolLine& tool : *tools) {
    context.out.foreign_line(server.server).own("/").foreign_line(tool.name);
    if (!tool.summary.empty()) {
      const std::size_t width = width_of(tool.name);
      context.out.own(std::string(name_column > width ? name_column - width + 2 : 2, ' '));
      context.out.foreign_line(shorten(tool.summary, left));
    }
    context.out.own("\n");
  }
  return true;
}

void print_json(Context& context, const client::ToolsListing& listing) {
  const char* separator = "";
  context.out.own("{\"servers\":[");
  for (const client::ToolsSuccess& server : listing.successes) {
    context.out.own(separator).own("{\"name\":").foreign(json_string(server.server));
    context.out.own(",\"tools\":").foreign(server.tools_json);
    context.out.own(",\"duration_ns\":").own(std::to_string(server.duration_ns)).own("}");
    separator = ",";
  }
  separator = "";
  context.out.own("],\"failures\":[");
  for (const client::ToolsFailure& failure : listing.failures) {
    context.out.own(separator).own("{\"name\":").foreign(json_string(failure.server));
    context.out.own(",\"error\":").foreign(error_json(failure.error));
    context.out.own(",\"duration_ns\":").own(std::to_string(failure.duration_ns)).own("}");
    separator = ",";
  }
  context.out.own("]}\n");
}

}  // namespace

ExitCode run_list(Context& context) {
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kYes, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  const auto listing = connection->list_tools(context.line.server, context.line.concurrency,
                                              deadline_of(context.line, 0));
  if (!listing) return report(context, listing.error());
  std::size_t answered = listing->successes.size();
  if (context.line.format == Format::kJson) {
    print_json(context, *listing);
  } else {
    for (const client::ToolsSuccess& server : listing->successes) {
      if (!print_tools(context, server)) --answered;
    }
  }
  print_failures(context, *listing);
  if (answered > 0) return ExitCode::kOk;
  if (!listing->failures.empty()) {
    return protocol::exit_code_of(protocol::Outcome::kNotSent, listing->failures.front().error);
  }
  if (!listing->successes.empty()) return ExitCode::kPeerError;
  context.err.own("mcpwire: no servers are configured\n");
  return ExitCode::kOk;
}

}  // namespace mcpwire::cli
