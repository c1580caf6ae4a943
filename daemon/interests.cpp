// SPDX-License-Identifier: MIT
#include "daemon/interests.hpp"

#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;

Failure malformed(std::string text) {
  return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson, std::move(text));
}

/// True if the capability `feature` has `flag` set.
bool has_flag(json::ValueReader& reader, std::string_view feature, std::string_view flag) {
  const std::array<std::string_view, 1> names = {flag};
  std::array<std::string_view, 1> values;
  return !feature.empty() && reader.extract_fields(feature, names, values).has_value() &&
         values[0] == "true";
}

}  // namespace

bool Interests::wants_list(std::string_view method) const noexcept {
  if (method == "notifications/tools/list_changed") return tools;
  if (method == "notifications/prompts/list_changed") return prompts;
  return method == "notifications/resources/list_changed" && resources;
}

bool Interests::wants_uri(std::string_view uri) const {
  if (uri.size() < 2) return false;
  return std::ranges::any_of(uris, [uri](const std::string& ours) {
    // A server may tell of a part of what was asked for.
    return uri.starts_with(std::string_view(ours).substr(0, ours.size() - 1));
  });
}

Result<Interests> read_interests(json::ValueReader& reader, std::string_view params) {
  static constexpr std::array<std::string_view, 1> kOuter = {"notifications"};
  static constexpr std::array<std::string_view, 4> kInner = {
      "toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions"};
  std::array<std::string_view, 1> outer;
  std::array<std::string_view, 4> inner;
  TRY(reader.extract_fields(params, kOuter, outer));
  if (outer[0].empty()) return malformed("subscriptions/listen wants \"notifications\"");
  TRY(reader.extract_fields(outer[0], kInner, inner));
  Interests interests{inner[0] == "true", inner[1] == "true", inner[2] == "true", {}};
  if (!inner[3].empty()) {
    for (const std::string_view uri : TRY(reader.elements(inner[3]))) {
      if (!json::decode_string(uri).has_value()) return malformed("a URI that is no string");
      interests.uris.emplace(uri);
    }
  }
  if (interests.uris.size() > kInterestUrisMax) {
    return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge, std::string("too many resources"));
  }
  if (interests.is_empty()) return malformed("subscriptions/listen asks for nothing");
  return interests;
}

Interests offered(json::ValueReader& reader, std::string_view capabilities,
                  const Interests& wanted) {
  static constexpr std::array<std::string_view, 3> kNames = {"tools", "prompts", "resources"};
  std::array<std::string_view, 3> features;
  if (!reader.extract_fields(capabilities, kNames, features).has_value()) return {};
  Interests result;
  result.tools = wanted.tools && has_flag(reader, features[0], "listChanged");
  result.prompts = wanted.prompts && has_flag(reader, features[1], "listChanged");
  result.resources = wanted.resources && has_flag(reader, features[2], "listChanged");
  if (has_flag(reader, features[2], "subscribe")) result.uris = wanted.uris;
  return result;
}

std::string listen_params(const Interests& interests) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object().key("notifications").begin_object();
  if (interests.tools) writer.key("toolsListChanged").boolean(true);
  if (interests.prompts) writer.key("promptsListChanged").boolean(true);
  if (interests.resources) writer.key("resourcesListChanged").boolean(true);
  if (!interests.uris.empty()) {
    writer.key("resourceSubscriptions").begin_array();
    for (const std::string& uri : interests.uris) writer.raw(uri);
    writer.end_array();
  }
  writer.end_object().end_object();
  return text;
}

}  // namespace mcpwire::daemon
