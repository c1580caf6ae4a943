// SPDX-License-Identifier: MIT
#include "tools/mcpwire/interaction.hpp"

#include "tools/mcpwire/form.hpp"
#include "tools/mcpwire/render_messages.hpp"
#include "tools/mcpwire/render_result.hpp"

#include <unistd.h>

#include <string>

namespace mcpwire::cli {

using protocol::mcp::ClientAbility;

Interaction::Interaction(Context& context, client::Connection& connection,
                         const Interrupt& interrupt)
    : context_(context), interrupt_(interrupt), trace_(trace_context(context.environment)) {
  if (context.line.progress == Progress::kShow) {
    connection.on_progress(
        [this](std::uint64_t, std::string_view params) { show_progress(params); });
    connection.on_notification(
        [this](const client::Notification& notification) { show_message(notification); });
  }
  const bool has_person = ::isatty(STDIN_FILENO) == 1 && context.err.is_terminal();
  if (context.line.input == Input::kNever || !has_person) return;
  connection.on_server_request(
      ClientAbility::kElicitationForm | ClientAbility::kElicitationUrl,
      [this](const client::ServerQuestion& question) { return answer(question); });
}

std::string Interaction::meta(std::string_view params) const {
  std::string members;
  if (context_.line.progress == Progress::kShow) {
    members = R"("io.modelcontextprotocol/logLevel":"info")";
  }
  if (!trace_.state.empty() && !params.contains("_meta")) {
    if (!members.empty()) members += ',';
    members.append("\"tracestate\":").append(json_string(trace_.state));
  }
  return members.empty() ? members : "{" + members + "}";
}

void Interaction::show_progress(std::string_view params) {
  context_.err.own("mcpwire: ").foreign_line(progress_text(params)).own("\n").flush();
}

void Interaction::show_message(const client::Notification& notification) {
  context_.err.own("mcpwire: ").foreign_line(notification.server).own(": ");
  context_.err.foreign_line(message_text(notification.params_json)).own("\n").flush();
}

std::optional<client::ServerAnswer> Interaction::answer(const client::ServerQuestion& question) {
  context_.out.flush();  // What came before stands before.
  TerminalLines lines(STDIN_FILENO, interrupt_.fd());
  const std::string result =
      ask_person(question.params_json, context_.line.server, context_.err, lines);
  // The whole call is cancelled then, and the question with it.
  if (lines.was_interrupted()) return std::nullopt;
  return client::ServerAnswer{protocol::ServerAnswerKind::kAnswered, result};
}

}  // namespace mcpwire::cli
