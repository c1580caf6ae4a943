// SPDX-License-Identifier: MIT
#include "daemon/config/expand.hpp"

#include <algorithm>
#include <cstddef>

namespace mcpwire::config {
namespace {

/// Limit of one expanded text, above Linux's own limit for one argument (128 KiB).
constexpr std::size_t kExpandedBytesMax = 256 * 1024;

bool is_variable_name(std::string_view name) noexcept {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace

Failure Expander::invalid(std::string_view key, std::string_view reason) const {
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
              "server '" + server_ + "': " + std::string(key) + ": " + std::string(reason));
}

Result<std::string> Expander::expand(std::string_view key, std::string_view text) {
  std::string expanded;
  while (true) {
    const std::size_t start = text.find("${");
    expanded += text.substr(0, start);
    if (expanded.size() > kExpandedBytesMax) return invalid(key, "it expands to over 256 KiB");
    if (start == std::string_view::npos) return expanded;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return invalid(key, "\"${\" without \"}\"");
    expanded += TRY(value_of(key, text.substr(start + 2, end - start - 2)));
    text.remove_prefix(end + 1);
  }
}

/// `reference` is what stands between the braces. It is shown only where it is a plain name: a
/// default may be a secret.
Result<std::string> Expander::value_of(std::string_view key, std::string_view reference) {
  const std::size_t default_mark = reference.find(":-");
  const std::string_view name = reference.substr(0, default_mark);
  if (!is_variable_name(name)) {
    return invalid(key, "only ${NAME} and ${NAME:-default} can be expanded");
  }
  std::string_view value = variable(variables_, name);
  if (default_mark != std::string_view::npos) {
    if (value.empty()) value = reference.substr(default_mark + 2);
  } else if (!variables_.contains(name)) {
    return invalid(key, "the variable " + std::string(name) + " is not set");
  }
  put_in_.insert(std::string(name).append("=").append(value));
  return std::string(value);
}

Result<std::string> Expander::expand_path(std::string_view key, std::string_view text) {
  const bool from_home = text == "~" || text.starts_with("~/");
  if (from_home) text.remove_prefix(1);
  std::string expanded = TRY(expand(key, text));
  if (!from_home) return expanded;
  const std::string_view home = variable(variables_, "HOME");
  if (!home.starts_with('/')) return invalid(key, "\"~\" needs HOME, which is not set");
  return std::string(home) + expanded;
}

std::vector<std::string> variables_named_in(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at)) {
    at += 2;
    const std::size_t end = std::min(text.find('}', at), text.size());
    const std::string_view reference = text.substr(at, end - at);
    std::string name(reference.substr(0, reference.find(":-")));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace mcpwire::config
