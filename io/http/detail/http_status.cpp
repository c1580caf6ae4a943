// SPDX-License-Identifier: MIT
#include "io/http/detail/http_status.hpp"

#include "io/http/detail/http_call.hpp"
#include "io/http/detail/http_peer.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mcpwire::io::detail {
namespace {

using protocol::Outcome;

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kProxyUnauthorized = 407;

bool contains_word_session(std::string_view text) noexcept {
  constexpr std::string_view kWord = "session";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return !std::ranges::search(text, kWord, {}, lower).empty();
}

/// An address without what may be secret in it.
std::string shown_address(std::string_view url) {
  constexpr std::size_t kShownBytesMax = 200;
  std::string text(url.substr(0, std::min(url.find_first_of("?#"), kShownBytesMax)));
  std::ranges::replace_if(text, [](char c) { return c < 0x21 || c > 0x7e; }, '.');
  return text;
}

Error peer_error(ErrorKind kind, ErrorCode code, std::string text) {
  return Error::with_detail(kind, code, std::move(text));
}

}  // namespace

bool wants_authorization(int status) noexcept {
  return status == kUnauthorized || status == kForbidden || status == kProxyUnauthorized;
}

Error authorization_error(const HttpPeer& peer, int status, std::string_view said) {
  const auto& headers = peer.endpoint.headers;
  std::string text = "HTTP " + std::to_string(status) + ": ";
  if (status == kProxyUnauthorized) {
    text +=
        "the proxy wants authorization: its url needs a name and a password (https_proxy, "
        "http_proxy)";
  } else if (headers.empty()) {
    text += status == kForbidden ? "the server forbids it; if it wants authorization"
                                 : "the server wants authorization";
    text +=
        R"(: give it "headers" in the configuration, such as "Authorization": "Bearer ${TOKEN}")";
  } else {
    text += "the server wants other authorization than the configured headers have";
    const char* separator = " (";
    for (const auto& [name, value] : headers) {
      text.append(std::exchange(separator, ", ")).append(name);
    }
    text += ')';
  }
  if (!said.empty()) text.append("; it says: ").append(said);
  return peer_error(ErrorKind::kConfiguration, ErrorCode::kAuthorization, peer.shown(text));
}

HttpVerdict verdict_of(const HttpPeer& peer, const HttpHead& head) {
  const std::string answered = "the server answered with HTTP " + std::to_string(head.status);
  if (head.status >= kHttpFailed) {
    return {Outcome::kUnknown,
            peer_error(ErrorKind::kDisconnected, ErrorCode::kPeerError, answered)};
  }
  if (wants_authorization(head.status)) {
    return {Outcome::kRejected, authorization_error(peer, head.status)};
  }
  if (head.status < kHttpRefused) {
    const std::string target = shown_address(head.find("location"));
    return {Outcome::kRejected,
            peer_error(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                       answered + ", a redirect" + (target.empty() ? "" : " to " + target) +
                           ", which is not followed: put the new url into the configuration")};
  }
  constexpr int kTooMany = 429;
  const ErrorKind kind = head.status == kTooMany ? ErrorKind::kOverloaded : ErrorKind::kUnsupported;
  return {Outcome::kRejected, peer_error(kind, ErrorCode::kPeerError, answered)};
}

bool is_session_lost(const HttpPeer& peer, const HttpCall& call, std::int64_t code,
                     std::string_view text) {
  const bool had_one = !call.session_used().empty();
  if (!had_one || call.message().is_handshake) return false;
  if (!peer.has(&protocol::mcp::RevisionFacts::has_sessions)) return false;
  if (call.status() == kHttpNotFound) return true;
  return call.status() == kHttpRefused && code == kSdkRefusal && contains_word_session(text);
}

Error broken_off() {
  return peer_error(ErrorKind::kDisconnected, ErrorCode::kClosed,
                    "the server's stream broke off before the answer");
}

Error no_answer(int status, std::string_view fault) {
  std::string text =
      "the server's HTTP " + std::to_string(status) + " has no answer to the request in it";
  if (!fault.empty()) text.append(" (").append(fault).append(")");
  return peer_error(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::move(text));
}

Error resume_refused(int status) {
  return peer_error(ErrorKind::kDisconnected, ErrorCode::kClosed,
                    "the server's stream broke off, and HTTP " + std::to_string(status) +
                        " came in place of its rest");
}

Error no_stream(int status) {
  return peer_error(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                    "the server's HTTP " + std::to_string(status) + " is no stream of events");
}

Error message_too_large(std::size_t bytes_max) {
  return peer_error(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                    "the server's message has more than " + std::to_string(bytes_max) +
                        " bytes (limits.messageBytes)");
}

}  // namespace mcpwire::io::detail
