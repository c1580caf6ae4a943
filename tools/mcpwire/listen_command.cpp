// SPDX-License-Identifier: MIT
//
// `mcpwire listen`: a line per notification, "server  method  params", at once when it comes.
// Ctrl-C and --timeout are its ordinary ends.
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/render_result.hpp"

#include <string>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;
using protocol::Outcome;

void print(Context& context, const client::Notification& told) {
  if (context.line.format == Format::kJson) {
    context.out.own("{\"server\":").foreign(json_string(told.server));
    context.out.own(",\"method\":").foreign(json_string(told.method));
    if (!told.params_json.empty()) context.out.own(",\"params\":").foreign_line(told.params_json);
    context.out.own("}\n");
  } else {
    context.out.foreign_line(told.server).own("  ").foreign_line(told.method);
    if (!told.params_json.empty()) context.out.own("  ").foreign_line(told.params_json);
    context.out.own("\n");
  }
  context.out.flush();
}

}  // namespace

ExitCode run_listen(Context& context) {
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kYes, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  connection->on_notification([&](const client::Notification& told) { print(context, told); });
  client::ListenRequest request{
      .server = context.line.server, .uris = {}, .deadline_ns = deadline_of(context.line, 0)};
  request.uris.assign(context.line.uris.begin(), context.line.uris.end());
  const auto started = connection->start_listen(request);
  if (!started) return report(context, started.error());
  const auto reply = connection->wait(*started);
  const bool has_ended = !reply || reply->outcome == Outcome::kOk;  // Nothing: interrupted.
  return has_ended ? ExitCode::kOk : show_failure(context, *reply);
}

}  // namespace mcpwire::cli
