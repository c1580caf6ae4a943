// SPDX-License-Identifier: MIT
#include "tools/demo_server/http_endpoint.hpp"

#include "protocol/base/hex.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/mcp/error_codes.hpp"
#include "protocol/mcp/meta.hpp"
#include "protocol/mcp/method.hpp"

#include <sys/random.h>

#include <array>
#include <utility>

namespace mcpwire::demo {
namespace {

namespace mcp = protocol::mcp;
using protocol::json::Envelope;

constexpr std::string_view kPath = "/mcp";
/// What SDKs answer to a request outside of any session.
constexpr int kNoSession = -32000;
constexpr std::size_t kSessionsMax = 10'000;

HttpAnswer refusal(int status, std::string_view id, int code, std::string_view why) {
  HttpAnswer answer{.status = status};
  append_error(answer.json, id, code, why);
  return answer;
}

std::string text_or_empty(std::string_view token) {
  return protocol::json::decode_string(token).value_or(std::string());
}

/// A page of another site in a browser must not reach us by a name that it made ours.
bool is_local(std::string_view host) noexcept {
  const std::size_t scheme = host.find("://");
  if (scheme != host.npos) host.remove_prefix(scheme + 3);
  for (const std::string_view name : {"localhost", "127.0.0.1", "[::1]"}) {
    if (host == name || (host.starts_with(name) && host[name.size()] == ':')) return true;
  }
  return false;
}

bool is_local(const HttpMessage& message) noexcept {
  return is_local(message.host.value_or("")) &&
         (!message.origin.has_value() || is_local(*message.origin));
}

/// Errors of the protocol have a status of their own; those of tools have not.
int status_of(std::int64_t code, bool is_modern) noexcept {
  switch (code) {
    case kParseError:
    case kInvalidRequest:
      return 400;
    case kMethodNotFound:
      return is_modern ? 404 : 200;
    case mcp::kUnsupportedVersion:
    case mcp::kMissingClientCapability:
      return 400;
    default:
      return 200;
  }
}

}  // namespace

HttpEndpoint::Begun HttpEndpoint::begin(const HttpMessage& message) {
  if (!is_local(message)) return {HttpAnswer{.status = 403}, nullptr};
  if (message.target != kPath) return {HttpAnswer{.status = 404}, nullptr};
  if (message.method == "POST") return begin_post(message);
  if (message.method == "DELETE") return {end_session(message), nullptr};
  return {HttpAnswer{.status = 405, .headers = "Allow: POST, DELETE\r\n"}, nullptr};
}

HttpEndpoint::Claim HttpEndpoint::read_claim(std::string_view body) {
  Claim claim;
  const Result<Envelope> envelope = parser_.parse(body);
  if (!envelope.has_value()) return claim;
  claim.method = envelope->method;
  claim.id = envelope->id;
  static constexpr std::array<std::string_view, 2> kNames = {"_meta", "name"};
  std::array<std::string_view, 2> params;
  if (envelope->params.empty() ||
      !reader_.extract_fields(envelope->params, kNames, params).has_value()) {
    return claim;
  }
  claim.name = text_or_empty(params[1]);
  static constexpr std::array<std::string_view, 1> kVersion = {mcp::kMetaProtocolVersion};
  std::array<std::string_view, 1> version;
  if (!params[0].empty() && reader_.extract_fields(params[0], kVersion, version).has_value()) {
    claim.version = text_or_empty(version[0]);
  }
  return claim;
}

/// The headers of a modern request say what its body says.
std::optional<HttpAnswer> HttpEndpoint::check_headers(const HttpMessage& message,
                                                      const Claim& claim) {
  const bool needs_name = claim.method == mcp::kToolsCall;
  std::string_view wrong;
  if (message.protocol_version != claim.version) wrong = "MCP-Protocol-Version";
  if (message.mcp_method != claim.method) wrong = "Mcp-Method";
  if (needs_name && message.mcp_name != claim.name) wrong = "Mcp-Name";
  if (wrong.empty()) return std::nullopt;
  return refusal(400, claim.id, mcp::kHeaderMismatch,
                 std::string(wrong) + " is missing or says something else than the body");
}

HttpEndpoint::Begun HttpEndpoint::begin_post(const HttpMessage& message) {
  if (!message.content_type.value_or("").starts_with("application/json")) {
    return {HttpAnswer{.status = 415}, nullptr};
  }
  const Claim claim = read_claim(message.body);
  SessionOptions options = options_;
  const bool is_modern = !claim.version.empty();
  if (is_modern) {
    if (auto wrong = check_headers(message, claim)) return {std::move(wrong), nullptr};
  } else if (claim.method != mcp::kInitialize) {
    if (!message.session_id.has_value()) {
      return {refusal(400, claim.id, kNoSession, "Bad Request: Mcp-Session-Id header is required"),
              nullptr};
    }
    const auto session = sessions_.find(*message.session_id);
    if (session == sessions_.end()) {
      return {refusal(404, claim.id, kNoSession, "Session not found"), nullptr};
    }
    options.legacy_revision = session->second;
  }
  auto work = std::make_unique<HttpWork>(options, host_);
  work->is_modern = is_modern;
  work->session.on_line(message.body);
  if (!is_modern && claim.method == mcp::kInitialize && sessions_.size() < kSessionsMax) {
    const std::string id = new_session_id();
    sessions_.emplace(id, work->session.legacy_revision());
    work->headers = "Mcp-Session-Id: " + id + "\r\n";
  }
  return {std::nullopt, std::move(work)};
}

HttpAnswer HttpEndpoint::answer_of(const HttpWork& work) {
  HttpAnswer answer{.headers = work.headers, .json = work.out};
  if (work.out.empty()) {
    answer.status = 202;  // A notification.
    return answer;
  }
  const Result<Envelope> envelope = parser_.parse(work.out);
  if (!envelope.has_value() || envelope->error.empty()) return answer;
  static constexpr std::array<std::string_view, 2> kNames = {"code", "message"};
  std::array<std::string_view, 2> error;
  if (!reader_.extract_fields(envelope->error, kNames, error).has_value()) return answer;
  const std::int64_t code = protocol::json::read_int64(error[0]).value_or(0);
  answer.status = status_of(code, work.is_modern);
  return answer;
}

HttpAnswer HttpEndpoint::end_session(const HttpMessage& message) {
  const bool was_known = sessions_.erase(message.session_id.value_or("")) > 0;
  return HttpAnswer{.status = was_known ? 200 : 404};
}

std::string HttpEndpoint::new_session_id() {
  std::array<std::byte, 16> bytes{};
  static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));
  std::string id;
  append_hex(id, bytes);
  return id;
}

}  // namespace mcpwire::demo
