// SPDX-License-Identifier: MIT
#include "io/redaction.hpp"

#include "protocol/base/ascii.hpp"
#include "protocol/json/writer.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

constexpr std::size_t kSecretBytesMin = 4;

// What every server is given; none of it is a secret, and all of it occurs in ordinary messages.
constexpr std::array<std::string_view, 6> kPublicNames = {"HOME",  "LOGNAME", "PATH",
                                                          "SHELL", "TERM",    "USER"};

/// In lower case: parts of names whose values are secrets whatever they look like.
constexpr std::array<std::string_view, 8> kSecretNames = {"token", "key",  "secret",     "pass",
                                                          "pwd",   "auth", "credential", "cookie"};

struct Secret {
  std::string name;
  std::string value;
};

/// The name as it may stand in any text, a JSON string included.
std::string shown_name(std::string_view name) {
  std::string shown(name);
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
  };
  std::ranges::replace_if(shown, is_odd, '_');
  return shown;
}

bool says_secret(std::string_view name) {
  const std::string lower = lower_case(name);
  return std::ranges::any_of(
      kSecretNames, [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

/// `production`, `debug`: letters of one case and nothing else.
bool is_plain_word(std::string_view value) noexcept {
  constexpr std::size_t kWordBytesMax = 16;
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  return value.size() <= kWordBytesMax && std::ranges::all_of(value, is_small);
}

/// As in a query of a URL.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || kPlain.find(c) != std::string_view::npos;
    if (is_plain) {
      encoded += c;
    } else {
      encoded.append({'%', kDigits[code >> 4U], kDigits[code & 0xfU]});
    }
  }
  return encoded;
}

/// As inside a JSON string.
std::string json_escaped(std::string_view text) {
  std::string escaped;
  protocol::json::Writer(escaped).string(text);
  return escaped.substr(1, escaped.size() - 2);
}

/// A secret is also one in the forms that programs write it in.
void collect(std::vector<Secret>& secrets, const std::vector<std::string>& entries) {
  for (const std::string_view entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = entry.substr(0, equals);
    const std::string_view value = entry.substr(equals + 1);
    const bool is_public = std::ranges::find(kPublicNames, name) != kPublicNames.end();
    if (is_public || value.size() < kSecretBytesMin) continue;
    if (is_plain_word(value) && !says_secret(name)) continue;
    secrets.push_back({shown_name(name), std::string(value)});
    for (std::string& form : std::array{json_escaped(value), percent_encoded(value)}) {
      if (form != value) secrets.push_back({shown_name(name), std::move(form)});
    }
  }
}

/// In time proportional to the text: a server may have repeated a secret as often as it liked.
std::string replace_all(const std::string& text, const Secret& secret) {
  std::string replaced;
  std::size_t done = 0;
  for (std::size_t at = text.find(secret.value); at != std::string::npos;
       at = text.find(secret.value, done)) {
    replaced.append(text, done, at - done).append("[").append(secret.name).append("]");
    done = at + secret.value.size();
  }
  return replaced.append(text, done);
}

bool is_control(char character) noexcept {
  const auto code = static_cast<unsigned char>(character);
  return code < 0x20 || code == 0x7f;
}

/// Not in the middle of a character of UTF-8.
void cut(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
  };
  std::size_t end = bytes_max;
  while (end > 0 && bytes_max - end < 4 && continues(end)) --end;
  text.resize(end);
}

}  // namespace

std::string redact(std::string_view text, const SpawnRequest& server) {
  std::vector<Secret> secrets;
  collect(secrets, server.environment);
  collect(secrets, server.secrets);
  // The longest first: a secret may be the beginning of another one.
  std::ranges::sort(secrets, std::greater<>{}, [](const Secret& secret) {
    return std::pair(secret.value.size(), std::string_view(secret.name));
  });
  std::string redacted(text);
  for (const Secret& secret : secrets) {
    if (redacted.find(secret.value) != std::string::npos) redacted = replace_all(redacted, secret);
  }
  return redacted;
}

std::string shown_text(std::string_view text, const SpawnRequest& server) {
  std::string shown = redact(text, server);
  // What control characters had taken apart may be a secret without them.
  if (std::erase_if(shown, is_control) > 0) shown = redact(shown, server);
  cut(shown, kShownBytesMax);
  return shown;
}

}  // namespace mcpwire::io
