// SPDX-License-Identifier: MIT
#include "daemon/hidden_secrets.hpp"

#include "io/redaction.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;

constexpr std::string_view kNothingToShow = R"({"code":-32603,"message":"the server's error"})";

/// Wherever the server has them from, as NAME=value.
SpawnRequest secrets_of(const pool::ServerSpec& spec) {
  SpawnRequest secrets;
  secrets.environment = spec.spawn.environment;
  secrets.secrets = spec.spawn.secrets;
  for (const std::string& entry : spec.http.secrets) secrets.secrets.push_back(entry);
  for (const auto& [name, value] : spec.http.headers) {
    secrets.secrets.push_back(name + '=' + value);
  }
  return secrets;
}

/// A raw value. What is no JSON any more without its secrets is not shown at all.
std::string clean_value(json::ValueReader& reader, std::string_view value,
                        const SpawnRequest& secrets) {
  if (json::value_kind(value) == json::ValueKind::kString) {
    const Result<std::string> text = json::decode_string(value);
    if (!text.has_value()) return std::string(value);  // An escape that stands for no character.
    const std::string hidden = io::redact(*text, secrets);
    if (hidden == *text) return std::string(value);
    std::string clean;
    json::append_string(clean, hidden);
    return clean;
  }
  std::string clean = io::redact(value, secrets);
  if (clean != value && !reader.validate(clean).has_value()) return "null";
  return clean;
}

std::string clean_error(json::ValueReader& reader, std::string_view error,
                        const SpawnRequest& secrets) {
  const Result<std::vector<json::Member>> members = reader.members(error);
  if (!members.has_value()) return std::string(kNothingToShow);
  bool has_secrets = false;
  std::string clean;
  for (const json::Member& member : *members) {
    const bool is_code = member.key == "\"code\"";  // A number that callers branch on.
    const std::string value =
        is_code ? std::string(member.value) : clean_value(reader, member.value, secrets);
    has_secrets = has_secrets || value != member.value;
    clean.append(clean.empty() ? "{" : ",").append(member.key).append(":").append(value);
  }
  // Untouched it stays what the server wrote, byte for byte.
  return has_secrets ? clean + "}" : std::string(error);
}

}  // namespace

void hide_secrets(json::ValueReader& reader, const pool::ServerSpec& spec, io::RpcReply& reply) {
  if (reply.outcome == protocol::Outcome::kOk) return;
  if (reply.outcome != protocol::Outcome::kPeerError) {
    reply.error = hide_secrets(spec, reply.error);
    return;
  }
  reply.body = clean_error(reader, reply.body, secrets_of(spec));
}

Error hide_secrets(const pool::ServerSpec& spec, const Error& error) {
  if (error.detail == nullptr) return error;
  Error clean = error;
  clean.detail =
      std::make_shared<const std::string>(io::shown_text(*error.detail, secrets_of(spec)));
  return clean;
}

}  // namespace mcpwire::daemon
