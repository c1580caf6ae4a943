// SPDX-License-Identifier: MIT
#include "daemon/config/detail/server_reader.hpp"

#include "daemon/config/detail/value_reader.hpp"
#include "daemon/config/escape.hpp"
#include "daemon/config/http_syntax.hpp"
#include "protocol/base/ascii.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace mcpwire::config::detail {
namespace {

bool has_control_character(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }) ||
         text.find('\x7f') != std::string_view::npos;
}

Result<void> check_name(const std::string& name) {
  if (name.empty()) return invalid("its name is empty");
  if (name.size() > kServerNameBytesMax) {
    return invalid("its name has more than " + std::to_string(kServerNameBytesMax) + " bytes");
  }
  if (name.find('/') != std::string::npos) {
    return invalid("its name must not contain '/', which separates server and tool");
  }
  if (has_control_character(name)) return invalid("its name contains a control character");
  return {};
}

/// `type`, or what the other keys say.
Result<ServerType> type_of(const Json& object) {
  const std::string name = TRY(read_text(object, "type"));
  const bool has_url = object.contains("url");
  if (name.empty() && !object.contains("type")) {
    if (has_url && object.contains("command")) {
      return invalid("it has both command and url: a server has one of them");
    }
    return has_url ? ServerType::kStreamableHttp : ServerType::kStdio;
  }
  if (name == "stdio") return ServerType::kStdio;
  if (name == "http" || name == "streamable-http") return ServerType::kStreamableHttp;
  if (name == "sse") return ServerType::kSse;
  if (name.empty()) return invalid("type must be the name of a kind of server");
  return ServerType::kOther;
}

/// What a server of another kind is given: all texts but those that mean the same for every server.
NamedTexts other_settings(const Json& object) {
  constexpr std::array<std::string_view, 4> kOfAll = {"type", "era", "protocolVersion", "timeout"};
  NamedTexts settings;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string() || std::ranges::find(kOfAll, key) != kOfAll.end()) continue;
    settings.emplace_back(key, value.get_ref<const std::string&>());
  }
  std::ranges::sort(settings);
  return settings;
}

/// `key` belongs to servers of the other kind. Empty values are let through: forms leave them.
Result<void> refuse(const Json& object, const char* key, const char* kind) {
  const auto found = object.find(key);
  if (found == object.end() || found->empty()) return {};
  if (found->is_string() && found->get_ref<const std::string&>().empty()) return {};
  return invalid(std::string(key) + ": a server with " + kind + " has none");
}

Result<void> check_kind(const Json& object, const ServerConfig& server) {
  const bool is_remote = server.type != ServerType::kStdio;
  const char* const wanted = is_remote ? "url" : "command";
  if (!object.contains(wanted) || (is_remote ? server.url : server.command).empty()) {
    return invalid(std::string(wanted) + " is missing");
  }
  if (is_remote) {
    for (const char* key : {"command", "args", "env", "cwd"}) TRY(refuse(object, key, "a url"));
  } else {
    for (const char* key : {"url", "headers"}) TRY(refuse(object, key, "a command"));
  }
  const LimitScope other = is_remote ? LimitScope::kCommand : LimitScope::kUrl;
  for (const LimitFacts& facts : limit_table()) {
    if (facts.scope != other || !server.limits.get(facts.key)) continue;
    return invalid("limits." + std::string(facts.name) + ": a server with " +
                   (is_remote ? "a url" : "a command") + " has none");
  }
  return {};
}

Result<void> check_environment(const NamedTexts& environment) {
  for (const auto& [name, value] : environment) {
    if (!name.empty() && name.find('\0') == std::string::npos &&
        name.find('=') == std::string::npos) {
      continue;
    }
    return invalid("env." + escape_unprintable(name, LineBreaks::kEscape) +
                   " is no name of a variable");
  }
  return {};
}

/// Values are checked when their variables are known.
Result<void> check_headers(const NamedTexts& headers) {
  std::set<std::string> seen;
  for (const auto& [name, value] : headers) {
    const std::string key = "headers." + escape_unprintable(name, LineBreaks::kEscape);
    const auto checked = check_header_name(name);
    if (!checked) return invalid(key + ": " + checked.error().message());
    if (!seen.insert(lower_case(name)).second) {
      return invalid(key + ": the header stands more than once");
    }
  }
  return {};
}

Result<void> read_protocol(const Json& object, ServerConfig& server) {
  const std::string era = TRY(read_text(object, "era"));
  if (era == "legacy") {
    server.era = protocol::mcp::Era::kLegacy;
  } else if (era == "modern") {
    server.era = protocol::mcp::Era::kModern;
  } else if (object.contains("era") && era != "auto") {
    return invalid("era must be \"auto\", \"legacy\" or \"modern\"");
  }
  if (!object.contains("protocolVersion")) return {};
  const std::string version = TRY(read_text(object, "protocolVersion"));
  server.revision = protocol::mcp::find_revision(version);
  if (!server.revision) {
    return invalid("protocolVersion: \"" + escape_unprintable(version, LineBreaks::kEscape) +
                   "\" is no revision of MCP that mcpwire speaks");
  }
  const protocol::mcp::Era implied = protocol::mcp::facts_of(*server.revision).era;
  if (server.era && *server.era != implied) {
    return invalid("era and protocolVersion contradict each other");
  }
  server.era = implied;
  return {};
}

/// The transport of 2024-11-05 has no room for what a modern revision needs.
Result<void> check_protocol(const ServerConfig& server) {
  if (server.type == ServerType::kSse && server.era == protocol::mcp::Era::kModern) {
    return invalid("type \"sse\" and a modern protocol contradict each other");
  }
  return {};
}

/// What a server by command or url has.
Result<void> read_target(const Json& object, ServerConfig& server) {
  server.command = TRY(read_text(object, "command"));
  server.working_directory = TRY(read_text(object, "cwd"));
  server.arguments = TRY(read_texts(object, "args"));
  server.environment = TRY(read_named_texts(object, "env"));
  server.url = TRY(read_text(object, "url"));
  server.headers = TRY(read_named_texts(object, "headers"));
  TRY(check_protocol(server));
  TRY(check_kind(object, server));
  TRY(check_environment(server.environment));
  return check_headers(server.headers);
}

Result<ServerConfig> read_values(const Json& object) {
  ServerConfig server;
  server.type = TRY(type_of(object));
  server.timeout_ns = TRY(read_duration(object, "timeout"));
  server.limits = TRY(read_limits(object, "limits"));
  TRY(read_protocol(object, server));
  if (server.type == ServerType::kOther) {
    server.type_name = TRY(read_text(object, "type"));
    server.settings = other_settings(object);
  } else {
    TRY(read_target(object, server));
  }
  return server;
}

}  // namespace

Result<std::optional<ServerConfig>> read_server(const std::string& name, const Json& object,
                                                const Duplicates& duplicates) {
  const auto duplicate = duplicates.key_by_server.find(name);
  if (duplicate != duplicates.key_by_server.end()) {
    return invalid(duplicate->second.empty()
                       ? std::string("the name stands more than once")
                       : escape_unprintable(duplicate->second, LineBreaks::kEscape) +
                             " stands more than once");
  }
  TRY(check_name(name));
  if (!object.is_object()) return invalid("it must be an object");
  if (TRY(read_flag(object, "disabled"))) return std::optional<ServerConfig>();
  ServerConfig server = TRY(read_values(object));
  server.name = name;
  return std::optional(std::move(server));
}

}  // namespace mcpwire::config::detail
