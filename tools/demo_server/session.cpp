// SPDX-License-Identifier: MIT
#include "tools/demo_server/session.hpp"

#include "protocol/json/fault.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/mcp/method.hpp"
#include "tools/demo_server/offers.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace mcpwire::demo {
namespace {

using protocol::json::Envelope;
using protocol::json::JsonFault;
using protocol::json::MessageKind;
using protocol::json::ValueKind;
using protocol::json::Writer;

constexpr std::string_view kInstructions =
    "A server to try mcpwire with: every tool shows one thing that servers do.";

constexpr std::string_view kLegacyCapabilities =
    R"({"tools":{"listChanged":true},"resources":{"subscribe":true},"prompts":{},"completions":{},)"
    R"("logging":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}})";
constexpr std::string_view kModernCapabilities =
    R"({"tools":{"listChanged":true},"resources":{"subscribe":true},"prompts":{},"completions":{},)"
    R"("logging":{},"extensions":{"io.modelcontextprotocol/tasks":{}}})";

/// Lists do not change while the server runs, so any time is right; this one is short enough to
/// be seen expiring.
constexpr int kTtlMs = 60'000;

bool is_token(std::string_view raw) {
  const ValueKind kind = protocol::json::value_kind(raw);
  return kind == ValueKind::kString || kind == ValueKind::kNumber;
}

void write_cache_rules(Writer& writer, Revision revision) {
  if (revision != kModern) return;
  writer.key("ttlMs").number(kTtlMs).key("cacheScope").string("public");
}

}  // namespace

void Session::on_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == line.npos) return;
  const Result<Envelope> envelope = parser_.parse(line);
  if (envelope) {
    on_message(*envelope);
  } else {
    on_fault(line);
  }
}

/// 2025-03-26 alone allows batches. Their answers come as single lines, which it allows, too.
void Session::on_fault(std::string_view line) {
  const JsonFault fault = parser_.last_fault();
  if (fault == JsonFault::kBatch && legacy_revision_ == Revision::k2025_03_26) {
    // A batch inside a batch is refused: its element is an array, and stays one.
    const auto visited = reader_.for_each_element(line, [this](std::string_view element) {
      const Result<Envelope> envelope = parser_.parse(element);
      if (envelope) return on_message(*envelope);
      append_error(out_, {}, kInvalidRequest,
                   protocol::json::json_fault_text(parser_.last_fault()));
    });
    if (visited) return;
  }
  const int code = is_envelope_fault(fault) ? kInvalidRequest : kParseError;
  append_error(out_, {}, code, protocol::json::json_fault_text(fault));
}

void Session::on_message(const Envelope& envelope) {
  if (envelope.kind == MessageKind::kResult || envelope.kind == MessageKind::kError) {
    // One that answers no question of ours cannot be meant for us.
    static_cast<void>(tools_.questions().on_answer(envelope));
    return;
  }
  const Params params = read_params(envelope.params);
  if (envelope.kind == MessageKind::kNotification) return on_notification(envelope.method, params);
  if (!params.is_readable) {
    return append_error(out_, envelope.id, kInvalidParams, "params or _meta cannot be read");
  }
  const bool is_modern = !params.claimed_version.empty() || !params.client_capabilities.empty() ||
                         envelope.method == "server/discover";
  if (is_modern) {
    on_modern_request({envelope.id, kModern}, envelope.method, params);
  } else {
    on_legacy_request({envelope.id, legacy_revision_}, envelope.method, params);
  }
}

Session::Params Session::read_params(std::string_view raw) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "name", "arguments", "cursor", "requestId", "protocolVersion", "_meta", "task"};
  static constexpr std::array<std::string_view, 4> kMetaNames = {
      "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
      "progressToken", "io.modelcontextprotocol/logLevel"};
  Params params;
  params.raw = raw.empty() ? "{}" : raw;
  if (raw.empty()) return params;
  std::array<std::string_view, kNames.size()> values;
  params.is_readable = reader_.extract_fields(raw, kNames, values).has_value();
  if (!params.is_readable) return params;
  params.name = values[0];
  params.arguments = values[1];
  params.cursor = values[2];
  params.request_id = values[3];
  params.protocol_version = values[4];
  params.task = values[6];
  if (values[5].empty()) return params;
  std::array<std::string_view, kMetaNames.size()> meta;
  params.is_readable = reader_.extract_fields(values[5], kMetaNames, meta).has_value();
  params.claimed_version = meta[0];
  params.client_capabilities = meta[1];
  params.log_level = meta[3];
  // Anything but a string or a number is no token.
  if (!meta[2].empty() && is_token(meta[2])) params.progress_token = meta[2];
  return params;
}

void Session::on_notification(std::string_view method, const Params& params) {
  if (method == "notifications/cancelled" && !params.request_id.empty()) {
    tools_.cancel(params.request_id);
  }
}

/// The order of the checks is the specification's: _meta, version, method, parameters.
void Session::on_modern_request(const Caller& caller, std::string_view method,
                                const Params& params) {
  if (!params.claimed_version.starts_with('"')) {
    return append_error(out_, caller.id, kInvalidParams,
                        "_meta lacks io.modelcontextprotocol/protocolVersion");
  }
  if (!params.client_capabilities.starts_with('{')) {
    return append_error(out_, caller.id, kInvalidParams,
                        "_meta lacks io.modelcontextprotocol/clientCapabilities");
  }
  const Result<std::string> version = protocol::json::decode_string(params.claimed_version);
  if (!version || *version != revision_name(kModern)) {
    std::string data;
    Writer writer(data);
    writer.begin_object().key("supported").begin_array().string(revision_name(kModern)).end_array();
    writer.key("requested").raw(params.claimed_version).end_object();
    return append_error(out_, caller.id, kUnsupportedVersion, "Unsupported protocol version", data);
  }
  if (method == "server/discover") return discover(caller);
  if (answer(caller, method, params)) return;
  append_error(out_, caller.id, kMethodNotFound, "Method not found");
}

void Session::on_legacy_request(const Caller& caller, std::string_view method,
                                const Params& params) {
  if (method == "ping" || method == "logging/setLevel")
    return append_result(out_, caller, [](Writer&) {});
  if (method == "initialize") return initialize(caller, params);
  if (answer(caller, method, params)) return;
  append_error(out_, caller.id, kMethodNotFound, "Method not found");
}

bool Session::answer(const Caller& caller, std::string_view method, const Params& params) {
  if (method == "tools/call") {
    call_tool(caller, params);
  } else if (method == "tools/list") {
    list_tools(caller, params);
  } else {
    return tools_.tasks().answer(caller, method, params.raw) ||
           tools_.listeners().answer(caller, method, params.raw) ||
           answer_offer(reader_, out_, caller, method, params.raw);
  }
  return true;
}

void Session::initialize(const Caller& caller, const Params& params) {
  const Result<std::string> wanted = protocol::json::decode_string(params.protocol_version);
  if (!wanted) {
    return append_error(out_, caller.id, kInvalidParams, "protocolVersion must be a string");
  }
  legacy_revision_ = find_legacy_revision(*wanted).value_or(kNewestLegacy);
  append_result(out_, {caller.id, legacy_revision_}, [this](Writer& writer) {
    writer.key("protocolVersion").string(revision_name(legacy_revision_));
    writer.key("capabilities").raw(kLegacyCapabilities).key("serverInfo");
    write_server_info(writer);
    writer.key("instructions").string(kInstructions);
  });
}

void Session::discover(const Caller& caller) {
  append_result(out_, caller, [&](Writer& writer) {
    writer.key("supportedVersions").begin_array().string(revision_name(kModern)).end_array();
    writer.key("capabilities").raw(kModernCapabilities);
    writer.key("instructions").string(kInstructions);
    write_cache_rules(writer, caller.revision);
  });
}

/// A cursor is the name of the first tool of its page.
void Session::list_tools(const Caller& caller, const Params& params) {
  const auto tools = tools_.visible();
  auto first = tools.begin();
  if (!params.cursor.empty()) {
    const Result<std::string> cursor = protocol::json::decode_string(params.cursor);
    first = cursor ? std::ranges::find(tools, *cursor, &ToolEntry::name) : tools.end();
    if (first == tools.end()) {
      return append_error(out_, caller.id, kInvalidParams, "Invalid cursor");
    }
  }
  const auto left = static_cast<std::size_t>(tools.end() - first);
  const std::size_t count = options_.page_size == 0 ? left : std::min(options_.page_size, left);
  const auto last = first + static_cast<std::ptrdiff_t>(count);
  append_result(out_, caller, [&](Writer& writer) {
    writer.key("tools").begin_array();
    for (auto tool = first; tool != last; ++tool) write_tool(writer, *tool, caller.revision);
    writer.end_array();
    if (last != tools.end()) writer.key("nextCursor").string(last->name);
    write_cache_rules(writer, caller.revision);
  });
}

void Session::call_tool(const Caller& caller, const Params& params) {
  const Result<std::string> name = protocol::json::decode_string(params.name);
  const ToolEntry* tool = name ? find_tool(*name) : nullptr;
  if (tool == nullptr) {
    const std::string text = name ? "Unknown tool: " + *name : "'name' must be a string";
    return append_error(out_, caller.id, kInvalidParams, text);
  }
  if (!params.arguments.empty() && !params.arguments.starts_with('{')) {
    return append_error(out_, caller.id, kInvalidParams, "'arguments' must be an object");
  }
  const bool is_modern = caller.revision == kModern;
  const bool takes_tasks = is_modern
                               ? params.client_capabilities.find(protocol::mcp::kTasksExtension) !=
                                     std::string_view::npos
                               : caller.revision == kNewestLegacy && params.task.starts_with('{');
  tools_.run(*tool, {caller, params.arguments, params.progress_token, params.raw, takes_tasks,
                     !is_modern || !params.log_level.empty()});
}

}  // namespace mcpwire::demo
