// SPDX-License-Identifier: MIT
#include "io/http/http_client.hpp"

#include <algorithm>
#include <cstddef>

namespace mcpwire::io {
namespace {

constexpr std::string_view kBlank = " \t";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// The first line, without its end; `rest` begins behind it.
std::string_view take_line(std::string_view& rest) noexcept {
  const std::string_view line = rest.substr(0, rest.find("\r\n"));
  rest.remove_prefix(std::min(rest.size(), line.size() + 2));
  return line;
}

bool has_name(std::string_view line, std::string_view name) noexcept {
  return line.size() > name.size() && line[name.size()] == ':' &&
         std::ranges::equal(line.substr(0, name.size()), name, {}, lower);
}

}  // namespace

std::string_view HttpHead::find(std::string_view name) const noexcept {
  std::string_view rest = lines;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (has_name(line, name)) return trimmed(line.substr(name.size() + 1));
  }
  return {};
}

bool HttpHead::has_only(std::string_view name, std::string_view value) const noexcept {
  std::string_view rest = lines;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (!has_name(line, name)) continue;
    if (!std::ranges::equal(trimmed(line.substr(name.size() + 1)), value, {}, lower)) return false;
  }
  return true;
}

std::string HttpHead::media_type() const {
  const std::string_view value = find("content-type");
  std::string type(trimmed(value.substr(0, value.find(';'))));
  std::ranges::transform(type, type.begin(), lower);
  return type;
}

}  // namespace mcpwire::io
