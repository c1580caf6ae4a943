// SPDX-License-Identifier: MIT
#include "io/detail/redaction.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <string_view>

namespace mcpwire::io::detail {
namespace {

constexpr std::size_t kSecretBytesMin = 4;

// What every server is given; none of it is a secret, and all of it occurs in ordinary messages.
constexpr std::array<std::string_view, 6> kPublicNames = {"HOME",  "LOGNAME", "PATH",
                                                          "SHELL", "TERM",    "USER"};

void replace_all(std::string& text, std::string_view secret, const std::string& replacement) {
  for (std::size_t at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + replacement.size())) {
    text.replace(at, secret.size(), replacement);
  }
}

}  // namespace

std::string redact_environment(std::string text, const std::vector<std::string>& environment) {
  std::vector<std::string_view> secrets;
  for (const std::string_view entry : environment) {
    const std::string_view name = entry.substr(0, entry.find('='));
    const bool is_public = std::ranges::find(kPublicNames, name) != kPublicNames.end();
    const bool is_long_enough = entry.size() >= name.size() + 1 + kSecretBytesMin;
    if (!is_public && is_long_enough) secrets.push_back(entry);
  }
  // The longest first: a secret may be the beginning of another one.
  std::ranges::sort(secrets, std::greater<>{}, [](std::string_view entry) {
    return entry.size() - entry.find('=');
  });
  for (const std::string_view entry : secrets) {
    const std::size_t equals = entry.find('=');
    replace_all(text, entry.substr(equals + 1),
                "[" + std::string(entry.substr(0, equals)) + "]");
  }
  return text;
}

}  // namespace mcpwire::io::detail
