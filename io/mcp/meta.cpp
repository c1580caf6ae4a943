// SPDX-License-Identifier: MIT
#include "io/mcp/meta.hpp"

#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"
#include "protocol/mcp/meta.hpp"
#include "protocol/version.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;

constexpr std::string_view kClientName = "mcpwire";
constexpr std::size_t kTokenBytesMax = 64;

/// Keys that a hop sets for itself. A modern key in a legacy conversation would claim an era that
/// it is not in.
constexpr std::array<std::string_view, 4> kHopKeys = {
    mcp::kMetaProgressToken, mcp::kMetaProtocolVersion, mcp::kMetaClientInfo,
    mcp::kMetaClientCapabilities};

void append_joined(std::string& text, std::string_view members, bool& is_first) {
  if (members.empty()) return;
  if (!std::exchange(is_first, false)) text += ',';
  text += members;
}

/// A key as it is meant: two spellings are one key.
std::string decoded_key(const json::Member& member) {
  return json::decode_string(member.key).value_or(std::string());
}

void append_member(std::string& text, const json::Member& member) {
  if (!text.empty()) text += ',';
  text.append(member.key).append(":").append(member.value);
}

/// Newlines are legal between tokens, and end a line of a stdio stream.
void put_on_one_line(std::string& text) {
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

Failure not_an_object(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
              std::string(what) + " is not a JSON object");
}

}  // namespace

std::size_t RequestMeta::bytes() const noexcept {
  return empty() ? 0 : constant.size() + callers.size() + kTokenBytesMax;
}

void RequestMeta::append_to(std::string& text) const {
  bool is_first = true;
  if (progress_token.has_value()) {
    json::append_string(text, mcp::kMetaProgressToken);
    text.append(":").append(std::to_string(*progress_token));
    is_first = false;
  }
  append_joined(text, constant, is_first);
  append_joined(text, callers, is_first);
}

std::string_view client_info_json() {
  static const std::string kInfo = [] {
    std::string text;
    json::Writer(text)
        .begin_object()
        .key("name")
        .string(kClientName)
        .key("version")
        .string(kVersion)
        .end_object();
    return text;
  }();
  return kInfo;
}

std::string_view MetaConstants::members(mcp::ClientAbilities abilities) {
  if (!mcp::is_modern(revision_)) return {};
  std::string& members = members_[abilities.bits()];
  if (members.empty()) {
    const auto append = [&members](std::string_view key, std::string_view value) {
      if (!members.empty()) members += ',';
      json::append_string(members, key);
      members.append(":").append(value);
    };
    std::string version;
    json::append_string(version, mcp::facts_of(revision_).name);
    append(mcp::kMetaProtocolVersion, version);
    append(mcp::kMetaClientInfo, client_info_json());
    append(mcp::kMetaClientCapabilities, mcp::client_capabilities_json(abilities, revision_));
  }
  return members;
}

Result<std::string> caller_members(json::ValueReader& reader, std::string_view meta) {
  const Result<std::vector<json::Member>> members = reader.members(meta);
  if (!members.has_value()) return not_an_object("_meta");
  std::string kept;
  for (const json::Member& member : *members) {
    if (std::ranges::find(kHopKeys, decoded_key(member)) == kHopKeys.end()) {
      append_member(kept, member);
    }
  }
  put_on_one_line(kept);
  return kept;
}

Result<SplitParams> split_meta(json::ValueReader& reader, std::string_view params) {
  if (params.empty()) return SplitParams{"{}", {}};
  const Result<std::vector<json::Member>> members = reader.members(params);
  if (!members.has_value()) return not_an_object("params");
  SplitParams split;
  std::string kept;
  for (const json::Member& member : *members) {
    if (decoded_key(member) != "_meta") {
      append_member(kept, member);
      continue;
    }
    if (!split.meta.empty() || !member.value.starts_with('{')) return not_an_object("_meta");
    split.meta = member.value;
  }
  split.params = "{" + kept + "}";
  return split;
}

}  // namespace mcpwire::io
