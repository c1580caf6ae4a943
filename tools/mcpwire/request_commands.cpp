// SPDX-License-Identifier: MIT
//
// `mcpwire request`, `read`, `prompt`, `complete`, and the lists `resources`, `templates`,
// `prompts`: one request of MCP each. Standard output holds what the server gave and nothing else.
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/interaction.hpp"
#include "tools/mcpwire/json_arguments.hpp"
#include "tools/mcpwire/last_words.hpp"
#include "tools/mcpwire/render_messages.hpp"
#include "tools/mcpwire/render_result.hpp"
#include "tools/mcpwire/render_tools.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;
using protocol::Outcome;

/// What one of these commands asks.
struct Asked {
  std::string_view method;
  std::string params;
  protocol::Pages pages = protocol::Pages::kOne;
};

/// Sends it and shows what came of it: the whole as JSON where that is wanted, else `show(body)`.
template <class Show>
ExitCode ask(Context& context, const Asked& asked, Show&& show) {
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kYes, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  const Interaction interaction(context, *connection, interrupt);
  const std::string meta = interaction.meta(asked.params);
  const TraceParent& parent = interaction.trace_parent();
  note_call_begins();
  const client::CallReply reply = connection->request({.server = context.line.server,
                                                       .method = asked.method,
                                                       .params_json = asked.params,
                                                       .meta_json = meta,
                                                       .deadline_ns = deadline_of(context.line, 0),
                                                       .pages = asked.pages,
                                                       .trace_id = parent.trace_id,
                                                       .parent_span_id = parent.parent_span_id,
                                                       .trace_flags = parent.flags});
  if (reply.outcome != Outcome::kOk) return show_failure(context, reply);
  if (context.line.format == Format::kJson) {
    context.out.foreign(reply.body).own("\n");
    return ExitCode::kOk;
  }
  const Result<void> shown = show(std::string_view(reply.body));
  return shown.has_value() ? ExitCode::kOk : show_unreadable(context, shown.error());
}

std::string object_of(std::initializer_list<std::pair<const char*, std::string>> members) {
  std::string text = "{";
  for (const auto& [key, raw] : members) {
    text.append(text.size() == 1 ? "\"" : ",\"").append(key).append("\":").append(raw);
  }
  return text + "}";
}

void print_items(Context& context, const std::vector<ItemLine>& items, std::string_view prefix) {
  constexpr std::size_t kNameColumnMax = 60;
  std::size_t column = 0;
  for (const ItemLine& item : items) column = std::max(column, width_of(item.name));
  column = std::min(column, kNameColumnMax);
  for (const ItemLine& item : items) {
    context.out.foreign_line(prefix).own(prefix.empty() ? "" : "/").foreign_line(item.name);
    if (!item.summary.empty()) {
      const std::size_t width = width_of(item.name);
      context.out.own(std::string(column > width ? column - width + 2 : 2, ' '));
      context.out.foreign_line(item.summary);
    }
    context.out.own("\n");
  }
}

Result<void> print_contents(Context& context, std::string_view body) {
  for (const Contents& part : TRY(resource_contents(body))) {
    if (part.is_text) {
      context.out.foreign(part.bytes);
      if (!part.bytes.ends_with('\n')) context.out.own("\n");
    } else if (context.out.is_terminal()) {
      context.err.own("mcpwire: not shown on a terminal: ").foreign_line(part.type).own(", ");
      context.err.own(std::to_string(part.bytes.size())).own(" bytes\n");
    } else {
      context.out.own(part.bytes);
    }
  }
  return {};
}

}  // namespace

ExitCode run_request(Context& context) {
  std::string params;
  if (context.line.arguments) {
    auto given = read_arguments(context.line.arguments);
    if (!given) return report(context, given.error());
    params = *std::move(given);
  }
  const auto pages = context.line.wants_all_pages ? protocol::Pages::kAll : protocol::Pages::kOne;
  return ask(context, {context.line.tool, std::move(params), pages},
             [&](std::string_view body) -> Result<void> {
               context.out.foreign(body).own("\n");
               return {};
             });
}

ExitCode run_items(Context& context) {
  struct List {
    Command command;
    const char* method;
    const char* key;
    const char* name_key;
  };
  static constexpr List kLists[] = {
      {Command::kResources, "resources/list", "resources", "uri"},
      {Command::kTemplates, "resources/templates/list", "resourceTemplates", "uriTemplate"},
      {Command::kPrompts, "prompts/list", "prompts", "name"}};
  const List& list = *std::ranges::find(kLists, context.line.command, &List::command);
  return ask(context, {list.method, {}, protocol::Pages::kAll},
             [&](std::string_view body) -> Result<void> {
               print_items(context, TRY(item_lines(body, list.key, list.name_key)),
                           context.line.server);
               return {};
             });
}

ExitCode run_read(Context& context) {
  return ask(context, {"resources/read", object_of({{"uri", json_string(context.line.tool)}})},
             [&](std::string_view body) { return print_contents(context, body); });
}

ExitCode run_prompt(Context& context) {
  std::string arguments = "{}";
  if (context.line.arguments) {
    auto given = read_arguments(context.line.arguments);
    if (!given) return report(context, given.error());
    arguments = *std::move(given);
  }
  const std::string params =
      object_of({{"name", json_string(context.line.tool)}, {"arguments", arguments}});
  return ask(context, {"prompts/get", params}, [&](std::string_view body) -> Result<void> {
    context.out.foreign(TRY(prompt_text(body)));
    return {};
  });
}

ExitCode run_complete(Context& context) {
  const CommandLine& line = context.line;
  const std::string reference =
      line.is_template ? object_of({{"type", "\"ref/resource\""}, {"uri", json_string(line.tool)}})
                       : object_of({{"type", "\"ref/prompt\""}, {"name", json_string(line.tool)}});
  const std::string argument =
      object_of({{"name", json_string(line.argument)}, {"value", json_string(line.value)}});
  return ask(context,
             {"completion/complete", object_of({{"ref", reference}, {"argument", argument}})},
             [&](std::string_view body) -> Result<void> {
               context.out.foreign(TRY(completion_lines(body)));
               return {};
             });
}

}  // namespace mcpwire::cli
