// SPDX-License-Identifier: MIT
#include "daemon/config/paths.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mcpwire::config {

std::string_view variable(const EnvironmentMap& environment, std::string_view name) noexcept {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : std::string_view(found->second);
}

EnvironmentMap parse_environment_block(std::string_view block) {
  EnvironmentMap environment;
  while (!block.empty()) {
    const std::size_t end = std::min(block.find('\0'), block.size());
    const std::string_view entry = block.substr(0, end);
    block.remove_prefix(std::min(end + 1, block.size()));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

std::string absolute_path(std::string_view base, std::string_view path) {
  std::string joined(path.starts_with('/') ? std::string_view() : base);
  joined += '/';
  joined += path;
  std::vector<std::string_view> parts;
  std::string_view rest = joined;
  while (!rest.empty()) {
    const std::size_t end = rest.find('/');
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string tidy;
  for (const std::string_view part : parts) tidy.append("/").append(part);
  return tidy.empty() ? "/" : tidy;
}

std::string directory_of(std::string_view absolute_path) {
  const std::size_t slash = absolute_path.rfind('/');
  return slash == 0 || slash == std::string_view::npos
             ? "/"
             : std::string(absolute_path.substr(0, slash));
}

std::string base_directory(const EnvironmentMap& environment, std::string_view variable_name,
                           std::string_view fallback) {
  const std::string_view set = variable(environment, variable_name);
  if (set.starts_with('/')) return absolute_path("/", set);
  const std::string_view home = variable(environment, "HOME");
  return home.starts_with('/') ? absolute_path(home, fallback) : std::string();
}

}  // namespace mcpwire::config
