// SPDX-License-Identifier: MIT
//
// `mcpwire call`: standard output holds what the tool gave, whether it reported an error or not,
// and nothing else; everything about the call goes to standard error and into the exit code.
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/interaction.hpp"
#include "tools/mcpwire/json_arguments.hpp"
#include "tools/mcpwire/last_words.hpp"
#include "tools/mcpwire/render_result.hpp"

#include <string>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;
using protocol::Outcome;

ExitCode show_result(Context& context, std::string_view body) {
  const auto rendered = render_result(body);
  if (!rendered) return show_unreadable(context, rendered.error());
  if (context.line.format == Format::kJson) {
    context.out.foreign(body).own("\n");
  } else {
    context.out.foreign(rendered->text);
    for (const std::string& note : rendered->notes) {
      context.err.own("mcpwire: not shown: ").foreign_line(note).own(" (--json gives all)\n");
    }
  }
  if (rendered->verdict == ToolVerdict::kOk) return ExitCode::kOk;
  context.out.flush();  // its text first, where both go to one terminal
  context.err.own("mcpwire: the tool reported an error\n");
  return ExitCode::kToolError;
}

}  // namespace

ExitCode run_call(Context& context) {
  // Read before signals become events: Ctrl-C must end a wait for standard input.
  const auto arguments = read_arguments(context.line.arguments, deadline_of(context.line, kNever));
  if (!arguments) return report(context, arguments.error());
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kYes, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  const Interaction interaction(context, *connection, interrupt);
  const std::string meta = interaction.meta();
  client::CallRequest request;
  request.server = context.line.server;
  request.tool = context.line.tool;
  request.arguments_json = *arguments;
  request.deadline_ns = deadline_of(context.line, 0);
  request.meta_json = meta;
  request.trace_id = interaction.trace_parent().trace_id;
  request.parent_span_id = interaction.trace_parent().parent_span_id;
  request.trace_flags = interaction.trace_parent().flags;
  note_call_begins();
  const client::CallReply reply = connection->call_tool(request);
  return reply.outcome == Outcome::kOk ? show_result(context, reply.body)
                                       : show_failure(context, reply);
}

}  // namespace mcpwire::cli
