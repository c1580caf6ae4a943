// SPDX-License-Identifier: MIT
#include "io/detail/rpc_messages.hpp"

#include "protocol/base/text_pool.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <system_error>

namespace mcpwire::io::detail {
namespace {

namespace json = protocol::json;

constexpr std::string_view kNewestRevision = "2025-11-25";
constexpr std::array<std::string_view, 4> kRevisions = {"2024-11-05", kBatchRevision, "2025-06-18",
                                                        kNewestRevision};
constexpr std::string_view kClientName = "mcpwire";
constexpr std::string_view kClientVersion = "0.1.0";
constexpr int kMethodNotFound = -32601;

/// What the fields around a message's payload take at most, beside method and id.
constexpr std::size_t kEnvelopeBytes = 64;

/// Writes the part that all our messages share, then what `fill` adds, then the newline.
template <class Fill>
std::string line(std::size_t payload_bytes, Fill&& fill) {
  std::string text = take_text(payload_bytes + kEnvelopeBytes);
  json::Writer writer(text);
  writer.begin_object().key("jsonrpc").string("2.0");
  fill(writer);
  writer.end_object();
  text += '\n';
  return text;
}

std::string quote(std::string_view token) {
  constexpr std::size_t kShownBytes = 64;
  return std::string(token.substr(0, kShownBytes));
}

std::string text_or_empty(std::string_view token) {
  if (!token.starts_with('"')) return {};
  return json::decode_string(token).value_or(std::string());
}

Failure handshake_failure(std::string text) {
  return fail(ErrorKind::kInvalid, ErrorCode::kHandshakeFailed, std::move(text));
}

/// `object` with the members that `pieces` make up in front of what it has.
std::string with_first_member(std::string_view object,
                              std::initializer_list<std::string_view> pieces) {
  const std::size_t open = object.find('{');
  std::string text = take_text(object.size() + kEnvelopeBytes);
  text += object.substr(0, open + 1);
  for (const std::string_view piece : pieces) text += piece;
  const std::string_view rest = object.substr(open + 1);
  const std::size_t next = rest.find_first_not_of(" \t\r\n");
  if (rest[next] != '}') text += ',';
  text += rest;
  return text;
}

/// `text` with the bytes that `part`, a view into it, covers replaced.
std::string with_part_replaced(std::string_view text, std::string_view part,
                               std::string_view replacement) {
  const auto at = static_cast<std::size_t>(part.data() - text.data());
  std::string result(text.substr(0, at));
  result += replacement;
  result += text.substr(at + part.size());
  return result;
}

}  // namespace

std::string request_line(std::uint64_t id, std::string_view method, std::string_view params) {
  return line(method.size() + params.size(), [&](json::Writer& writer) {
    writer.key("id").number(id).key("method").string(method);
    if (!params.empty()) writer.key("params").raw(params);
  });
}

std::string notification_line(std::string_view method, std::string_view params) {
  return line(method.size() + params.size(), [&](json::Writer& writer) {
    writer.key("method").string(method);
    if (!params.empty()) writer.key("params").raw(params);
  });
}

std::string cancelled_line(std::uint64_t request_id, std::string_view reason) {
  return line(reason.size(), [&](json::Writer& writer) {
    writer.key("method").string("notifications/cancelled").key("params").begin_object();
    writer.key("requestId").number(request_id).key("reason").string(reason).end_object();
  });
}

std::string ping_answer_line(std::string_view raw_id) {
  return line(raw_id.size(), [&](json::Writer& writer) {
    writer.key("id").raw(raw_id).key("result").begin_object().end_object();
  });
}

std::string not_found_answer_line(std::string_view raw_id, std::string_view method) {
  return line(raw_id.size() + method.size(), [&](json::Writer& writer) {
    writer.key("id").raw(raw_id).key("error").begin_object();
    writer.key("code").number(kMethodNotFound);
    writer.key("message").string("Method not found: " + quote(method)).end_object();
  });
}

Result<std::string> with_progress_token(json::ValueReader& reader, std::string_view params,
                                        std::uint64_t token) {
  constexpr std::string_view kKey = "\"progressToken\":";
  const std::string number = std::to_string(token);
  if (params.empty()) params = "{}";

  constexpr std::array<std::string_view, 1> kMetaName = {"_meta"};
  std::array<std::string_view, 1> meta;
  TRY(reader.extract_fields(params, kMetaName, meta));
  if (meta[0].empty()) return with_first_member(params, {"\"_meta\":{", kKey, number, "}"});

  constexpr std::array<std::string_view, 1> kTokenName = {"progressToken"};
  std::array<std::string_view, 1> old_token;
  TRY(reader.extract_fields(meta[0], kTokenName, old_token));
  if (!old_token[0].empty()) return with_part_replaced(params, old_token[0], number);
  return with_part_replaced(params, meta[0], with_first_member(meta[0], {kKey, number}));
}

std::optional<std::uint64_t> minted_id(std::string_view raw_id) noexcept {
  if (raw_id.empty() || raw_id.front() < '1' || raw_id.front() > '9') return std::nullopt;
  std::uint64_t id = 0;
  const char* const end = raw_id.data() + raw_id.size();
  const auto [stop, error] = std::from_chars(raw_id.data(), end, id);
  if (error != std::errc() || stop != end) return std::nullopt;
  return id;
}

std::optional<Progress> read_progress(json::ValueReader& reader, std::string_view params) {
  constexpr std::array<std::string_view, 2> kNames = {"progressToken", "progress"};
  std::array<std::string_view, 2> raw;
  if (!reader.extract_fields(params, kNames, raw).has_value()) return std::nullopt;
  const std::optional<std::uint64_t> token = minted_id(raw[0]);
  const Result<double> value = json::read_double(raw[1]);
  if (!token.has_value() || !value.has_value()) return std::nullopt;
  return Progress{*token, *value};
}

std::string read_error_text(json::ValueReader& reader, std::string_view error) {
  constexpr std::array<std::string_view, 2> kNames = {"code", "message"};
  std::array<std::string_view, 2> raw;
  if (!reader.extract_fields(error, kNames, raw).has_value()) return std::string(error);
  // Decoded: an escaped secret would not be recognised as one.
  const std::string message = text_or_empty(raw[1]);
  if (message.empty()) return std::string(error);
  return message + " (code " + std::string(raw[0]) + ")";
}

std::string initialize_params() {
  std::string text;
  json::Writer writer(text);
  writer.begin_object().key("protocolVersion").string(kNewestRevision);
  writer.key("capabilities").begin_object().end_object();
  writer.key("clientInfo").begin_object().key("name").string(kClientName);
  writer.key("version").string(kClientVersion).end_object().end_object();
  return text;
}

Result<ServerInfo> read_initialize_result(json::ValueReader& reader, std::string_view result) {
  constexpr std::array<std::string_view, 4> kNames = {"protocolVersion", "capabilities",
                                                      "serverInfo", "instructions"};
  std::array<std::string_view, 4> raw;
  if (!reader.extract_fields(result, kNames, raw).has_value()) {
    return handshake_failure("the server's answer to initialize is not an object");
  }
  ServerInfo info;
  info.protocol_version = text_or_empty(raw[0]);
  if (std::ranges::find(kRevisions, info.protocol_version) == kRevisions.end()) {
    return handshake_failure("the server speaks MCP revision " +
                             (raw[0].empty() ? "(none)" : std::string(raw[0])) +
                             ", which mcpwire does not");
  }
  info.capabilities_json = raw[1].starts_with('{') ? std::string(raw[1]) : "{}";
  info.instructions = text_or_empty(raw[3]);
  if (raw[2].empty()) return info;

  constexpr std::array<std::string_view, 2> kServerNames = {"name", "version"};
  std::array<std::string_view, 2> server;
  // A server that names itself badly still works.
  if (reader.extract_fields(raw[2], kServerNames, server).has_value()) {
    info.name = text_or_empty(server[0]);
    info.version = text_or_empty(server[1]);
  }
  return info;
}

}  // namespace mcpwire::io::detail
