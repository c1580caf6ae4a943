// SPDX-License-Identifier: MIT
//
// `mcpwire call`: standard output holds what the tool gave, whether it reported an error or not,
// and nothing else; everything about the call goes to standard error and into the exit code.
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/json_arguments.hpp"
#include "tools/mcpwire/render_result.hpp"

#include <string>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;
using protocol::Outcome;

ExitCode show_result(Context& context, std::string_view body) {
  const auto rendered = render_result(body);
  if (!rendered) {
    context.err.own("mcpwire: ").foreign(rendered.error().message()).own("\n");
    return ExitCode::kPeerError;
  }
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

/// What the outcome means for the user, behind the message.
std::string_view consequence(const client::CallReply& reply) noexcept {
  switch (reply.outcome) {
    case Outcome::kNotSent:
      return " (not sent: the call did not happen)";
    case Outcome::kUnknown:
      return " (the call was sent and not answered: it may have happened)";
    case Outcome::kCancelled:
      return reply.may_have_been_sent ? " (it had been sent: it may have happened)"
                                      : " (not sent: the call did not happen)";
    default:
      return "";
  }
}

ExitCode show_failure(Context& context, const client::CallReply& reply) {
  const bool by_server = reply.outcome == Outcome::kPeerError;
  const std::string message = by_server ? peer_error_text(reply.body) : reply.error.message();
  if (context.line.format == Format::kJson) {
    context.out.own("{\"outcome\":").own(json_string(protocol::outcome_name(reply.outcome)));
    context.out.own(",\"may_have_been_sent\":")
        .own(by_server || reply.may_have_been_sent ? "true" : "false");
    context.out.own(",\"error\":")
        .foreign(by_server ? std::string(reply.body.view()) : error_json(reply.error));
    context.out.own("}\n").flush();
  }
  context.err.own("mcpwire: ").foreign(message).own(consequence(reply)).own("\n");
  return protocol::exit_code_of(reply.outcome, reply.error.kind);
}

}  // namespace

ExitCode run_call(Context& context) {
  // Read before signals become events: Ctrl-C must end a wait for standard input.
  const auto arguments = read_arguments(context.line.arguments);
  if (!arguments) return report(context, arguments.error());
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kYes, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  client::CallRequest request;
  request.server = context.line.server;
  request.tool = context.line.tool;
  request.arguments_json = *arguments;
  request.deadline_ns = deadline_of(context.line, 0);
  const client::CallReply reply = connection->call_tool(request);
  return reply.outcome == Outcome::kOk ? show_result(context, reply.body)
                                       : show_failure(context, reply);
}

}  // namespace mcpwire::cli
