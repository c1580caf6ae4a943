// SPDX-License-Identifier: MIT
#include "io/http/detail/http_peer.hpp"

#include "io/http/header_codec.hpp"
#include "io/redaction.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/mcp/method.hpp"

#include <array>
#include <utility>

namespace mcpwire::io::detail {
namespace {

namespace mcp = protocol::mcp;
using protocol::mcp::RevisionFacts;

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::string_view kEither = "application/json, text/event-stream";

/// The raw members of `params`; empty where they are absent.
template <std::size_t N>
std::array<std::string_view, N> members(protocol::json::ValueReader& reader,
                                        std::string_view params,
                                        const std::array<std::string_view, N>& names) {
  std::array<std::string_view, N> raw;
  if (params.empty() || !reader.extract_fields(params, names, raw).has_value()) return {};
  return raw;
}

std::string text_of(std::string_view token) {
  if (!token.starts_with('"')) return {};
  return protocol::json::decode_string(token).value_or(std::string());
}

}  // namespace

HttpRequest HttpPeer::begin(HttpMethod method, const std::string& url) const {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.route = endpoint.route;
  request.header_bytes_max = limits.header_bytes_max;
  request.headers.reserve(8 + endpoint.headers.size());
  for (const auto& [name, value] : endpoint.headers) {
    request.headers.push_back(header_line(name, value));
  }
  return request;
}

/// What every request says once there is an agreement.
void HttpPeer::add_agreement(HttpRequest& request) const {
  if (has(&RevisionFacts::wants_version_header)) {
    request.headers.push_back(header_line("MCP-Protocol-Version", mcp::facts_of(*revision).name));
  }
  if (!session_id.empty()) request.headers.push_back(header_line("Mcp-Session-Id", session_id));
}

HttpRequest HttpPeer::post(std::shared_ptr<const std::string> body, std::string_view method,
                           std::string_view params, HttpRepeat repeat) {
  HttpRequest request = begin(HttpMethod::kPost, post_url);
  request.headers.push_back(header_line("Content-Type", "application/json"));
  request.headers.push_back(header_line("Accept", kEither));
  request.body = std::move(body);
  request.repeat = repeat;
  // A new session is no business of the old one's.
  if (method != mcp::kInitialize) add_agreement(request);
  if (has(&RevisionFacts::wants_standard_headers) && !method.empty()) {
    add_standard_headers(request, method, params);
  }
  return request;
}

void HttpPeer::add_standard_headers(HttpRequest& request, std::string_view method,
                                    std::string_view params) {
  request.headers.push_back(header_line("Mcp-Method", encode_header_value(method)));
  const mcp::MethodFacts* const facts = mcp::find_method(method);
  if (facts == nullptr || facts->name_param.empty()) return;
  const auto raw = members<2>(codec.values, params, {facts->name_param, "arguments"});
  const std::string name = text_of(raw[0]);
  request.headers.push_back(header_line("Mcp-Name", encode_header_value(name)));
  if (method != mcp::kToolsCall || raw[1].empty()) return;
  const auto marks = tools.find(name);
  if (marks == tools.end()) return;
  for (std::string& line : parameter_header_lines(marks->second, raw[1])) {
    request.headers.push_back(std::move(line));
  }
}

HttpRequest HttpPeer::listen(std::string_view last_event_id) {
  HttpRequest request = begin(HttpMethod::kGet, endpoint.url);
  add_agreement(request);
  request.repeat = HttpRepeat::kAllowed;
  request.headers.push_back(header_line("Accept", kEventStream));
  // What cannot stand in a header came from no header-safe server; without it the stream starts
  // at its present end.
  if (!last_event_id.empty() && is_plain_header_value(last_event_id)) {
    request.headers.push_back(header_line("Last-Event-ID", last_event_id));
  }
  return request;
}

HttpRequest HttpPeer::end_session() {
  HttpRequest request = begin(HttpMethod::kDelete, endpoint.url);
  add_agreement(request);
  request.repeat = HttpRepeat::kAllowed;
  return request;
}

std::string HttpPeer::shown(std::string_view text) const {
  SpawnRequest secrets;
  secrets.secrets = endpoint.secrets;
  for (const auto& [name, value] : endpoint.headers) secrets.secrets.push_back(name + '=' + value);
  return shown_text(text, secrets);
}

std::shared_ptr<const std::string> body_of_line(std::string line) {
  if (line.ends_with('\n')) line.pop_back();
  return std::make_shared<const std::string>(std::move(line));
}

}  // namespace mcpwire::io::detail
