// SPDX-License-Identifier: MIT
#include "daemon/config/http_syntax.hpp"

#include "protocol/base/ascii.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace mcpwire::config {
namespace {

// Framing, content negotiation and the protocol's own headers: two values would contradict.
constexpr std::array<std::string_view, 15> kOwnHeaders = {
    "accept",         "accept-encoding",   "connection",       "content-encoding",
    "content-length", "content-type",      "expect",           "host",
    "keep-alive",     "last-event-id",     "proxy-connection", "te",
    "trailer",        "transfer-encoding", "upgrade"};
constexpr std::string_view kOwnPrefix = "mcp-";

Failure invalid(const char* reason) {
  return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified, reason);
}

/// A backslash is a slash to some readers of URLs and none to others.
bool is_url_character(char c) noexcept { return c > ' ' && c < '\x7f' && c != '\\'; }

bool is_token_character(char c) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

/// `port` is what stands behind the colon; empty means the scheme's own.
bool is_port(std::string_view port) noexcept {
  std::uint16_t number = 0;
  const auto [rest, fault] = std::from_chars(port.data(), port.data() + port.size(), number);
  return port.empty() || (fault == std::errc{} && rest == port.data() + port.size() && number != 0);
}

Result<void> check_authority(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return invalid("it holds a user or password, which belong into headers");
  }
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return invalid("\"[\" without \"]\" in its host");
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return invalid("its port is no port");
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (host.empty()) return invalid("it has no host");
  if (!port.empty() && !is_port(port.substr(1))) return invalid("its port is no port");
  return {};
}

}  // namespace

Result<void> check_url(std::string_view url) {
  if (!std::ranges::all_of(url, is_url_character)) {
    return invalid("it holds a character that has to be percent-encoded");
  }
  const std::size_t scheme_end = url.find("://");
  const std::string scheme =
      lower_case(url.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (scheme != "http" && scheme != "https") {
    return invalid("it must begin with http:// or https://");
  }
  if (url.find('#') != std::string_view::npos) return invalid("it has a fragment (\"#\")");
  const std::string_view rest = url.substr(scheme_end + 3);
  return check_authority(rest.substr(0, rest.find_first_of("/?")));
}

Result<void> check_header_name(std::string_view name) {
  if (name.empty() || !std::ranges::all_of(name, is_token_character)) {
    return invalid("it is no name of a header");
  }
  const std::string lower = lower_case(name);
  if (lower.starts_with(kOwnPrefix) || std::ranges::find(kOwnHeaders, lower) != kOwnHeaders.end()) {
    return invalid("mcpwire sets this header itself");
  }
  return {};
}

Result<void> check_header_value(std::string_view value) {
  const bool has_control = std::ranges::any_of(value, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
  if (has_control) return invalid("it holds a line break or another control character");
  return {};
}

}  // namespace mcpwire::config
