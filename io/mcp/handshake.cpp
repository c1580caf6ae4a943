// SPDX-License-Identifier: MIT
#include "io/mcp/handshake.hpp"

#include "io/mcp/meta.hpp"
#include "protocol/base/check.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"
#include "protocol/mcp/error_codes.hpp"
#include "protocol/mcp/meta.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;
using protocol::Outcome;

std::string text_or_empty(std::string_view token) {
  if (!token.starts_with('"')) return {};
  return json::decode_string(token).value_or(std::string());
}

Failure handshake_failure(std::string text) {
  return fail(ErrorKind::kInvalid, ErrorCode::kHandshakeFailed, std::move(text));
}

/// A server that names itself badly still works.
void read_implementation(json::ValueReader& reader, std::string_view raw, ServerInfo& info) {
  constexpr std::array<std::string_view, 2> kNames = {"name", "version"};
  std::array<std::string_view, 2> values;
  if (raw.empty() || !reader.extract_fields(raw, kNames, values).has_value()) return;
  info.name = text_or_empty(values[0]);
  info.version = text_or_empty(values[1]);
}

/// The texts of a raw array; nothing where it is none, or holds anything else.
std::vector<std::string> read_texts(json::ValueReader& reader, std::string_view raw) {
  std::vector<std::string> texts;
  if (!raw.starts_with('[')) return texts;
  const Result<std::vector<std::string_view>> elements = reader.elements(raw);
  if (!elements.has_value()) return texts;
  for (const std::string_view element : *elements) {
    if (!element.starts_with('"')) return {};
    texts.push_back(text_or_empty(element));
  }
  return texts;
}

/// What of `supported` decides, and why nothing does.
ProbeVerdict judge_revisions(const std::vector<std::string>& supported) {
  ProbeVerdict verdict;
  std::optional<mcp::Revision> newest;
  for (const std::string& name : supported) {
    const std::optional<mcp::Revision> known = mcp::find_revision(name);
    if (known.has_value() && (!newest.has_value() || *known > *newest)) newest = known;
  }
  if (!newest.has_value()) {
    verdict.kind = ProbeVerdict::Kind::kUnspoken;
    verdict.why = "the server speaks MCP revision";
    const char* separator = " ";
    for (const std::string& name : supported) verdict.why += std::exchange(separator, ", ") + name;
    verdict.why += ", which mcpwire does not; its newest is ";
    verdict.why += mcp::facts_of(mcp::kNewestRevision).name;
    return verdict;
  }
  verdict.revision = *newest;
  if (mcp::is_modern(*newest)) verdict.kind = ProbeVerdict::Kind::kOtherModern;
  return verdict;
}

/// The revisions that an "unsupported version" error lists; empty for any other error.
std::vector<std::string> supported_of_error(json::ValueReader& reader, std::string_view error) {
  if (read_error_code(reader, error) != mcp::kUnsupportedVersion) return {};
  constexpr std::array<std::string_view, 1> kData = {"data"};
  std::array<std::string_view, 1> data;
  if (!reader.extract_fields(error, kData, data).has_value() || data[0].empty()) return {};
  constexpr std::array<std::string_view, 1> kSupported = {"supported"};
  std::array<std::string_view, 1> supported;
  if (!reader.extract_fields(data[0], kSupported, supported).has_value()) return {};
  return read_texts(reader, supported[0]);
}

ProbeVerdict judge_discovery(json::ValueReader& reader, std::string_view result) {
  constexpr std::array<std::string_view, 6> kNames = {
      "supportedVersions", "capabilities", "instructions", "serverInfo", "_meta", "resultType"};
  std::array<std::string_view, 6> raw;
  if (!reader.extract_fields(result, kNames, raw).has_value()) return {};
  const bool is_complete = raw[5].empty() || raw[5] == "\"complete\"";
  const std::vector<std::string> supported = read_texts(reader, raw[0]);
  if (supported.empty() || !raw[1].starts_with('{') || !is_complete) return {};
  ProbeVerdict verdict = judge_revisions(supported);
  if (verdict.kind != ProbeVerdict::Kind::kOtherModern) return verdict;
  verdict.kind = ProbeVerdict::Kind::kModern;
  verdict.info.revision = verdict.revision;
  verdict.info.protocol_version = mcp::facts_of(verdict.revision).name;
  verdict.info.capabilities_json = raw[1];
  verdict.info.instructions = text_or_empty(raw[2]);
  // Drafts had the server's name in the body; it belongs into _meta.
  std::string_view server = raw[3];
  constexpr std::array<std::string_view, 1> kServerInfo = {mcp::kMetaServerInfo};
  std::array<std::string_view, 1> meta;
  if (raw[4].starts_with('{') && reader.extract_fields(raw[4], kServerInfo, meta).has_value() &&
      !meta[0].empty()) {
    server = meta[0];
  }
  read_implementation(reader, server, verdict.info);
  return verdict;
}

}  // namespace

std::string initialize_params(mcp::Revision offered) {
  MCPWIRE_CHECK(!mcp::is_modern(offered));
  std::string text;
  json::Writer writer(text);
  writer.begin_object().key("protocolVersion").string(mcp::facts_of(offered).name);
  writer.key("capabilities")
      .raw(mcp::client_capabilities_json(mcp::ClientAbilities::all(), offered));
  writer.key("clientInfo").raw(client_info_json()).end_object();
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
  const std::optional<mcp::Revision> revision = mcp::find_revision(info.protocol_version);
  if (!revision.has_value() || mcp::is_modern(*revision)) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kHandshakeFailed,
                "the server speaks MCP revision " +
                    (raw[0].empty() ? "(none)" : std::string(raw[0])) + ", which mcpwire does not");
  }
  info.revision = *revision;
  info.capabilities_json = raw[1].starts_with('{') ? std::string(raw[1]) : "{}";
  info.instructions = text_or_empty(raw[3]);
  read_implementation(reader, raw[2], info);
  return info;
}

std::string discover_params(mcp::Revision offered) {
  MCPWIRE_CHECK(mcp::is_modern(offered));
  MetaConstants constants(offered);
  std::string text = R"({"_meta":{)";
  RequestMeta{.constant = constants.members({})}.append_to(text);
  return text + "}}";
}

ProbeVerdict judge_probe(json::ValueReader& reader, const RpcReply& reply) {
  MCPWIRE_CHECK(reply.outcome == Outcome::kOk || reply.outcome == Outcome::kPeerError);
  if (reply.outcome == Outcome::kOk) return judge_discovery(reader, reply.body);
  const std::vector<std::string> supported = supported_of_error(reader, reply.body);
  return supported.empty() ? ProbeVerdict{} : judge_revisions(supported);
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

std::int64_t read_error_code(json::ValueReader& reader, std::string_view error) {
  constexpr std::array<std::string_view, 1> kNames = {"code"};
  std::array<std::string_view, 1> raw;
  if (!reader.extract_fields(error, kNames, raw).has_value()) return 0;
  return json::read_int64(raw[0]).value_or(0);
}

}  // namespace mcpwire::io
