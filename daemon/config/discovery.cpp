// SPDX-License-Identifier: MIT
#include "daemon/config/discovery.hpp"

#include "daemon/config/safety.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace mcpwire::config {
namespace {

Result<bool> exists(const std::string& path, FileSystem& files) {
  const auto status = files.status(path);
  if (status) return true;
  if (is_missing(status.error())) return false;
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigUnreadable,
              path + ": " + status.error().message());
}

Result<FoundConfiguration> chosen(const std::string& path, std::string_view by, FileSystem& files) {
  if (TRY(exists(path, files))) return FoundConfiguration{path, protocol::ConfigOrigin::kExplicit};
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigMissing,
              path + ": no such file (named by " + std::string(by) + ')');
}

}  // namespace

Result<FoundConfiguration> discover(const DiscoveryInput& input, FileSystem& files) {
  const std::string& here = input.working_directory;
  if (!input.chosen_path.empty()) {
    return chosen(absolute_path(here, input.chosen_path), "-c", files);
  }
  const std::string_view named = variable(input.environment, "MCPWIRE_CONFIG");
  if (!named.empty()) return chosen(absolute_path(here, named), "MCPWIRE_CONFIG", files);

  std::vector<FoundConfiguration> candidates = {
      {absolute_path(here, "mcp_servers.json"), protocol::ConfigOrigin::kDiscovered},
      {absolute_path(here, ".mcp.json"), protocol::ConfigOrigin::kDiscovered}};
  const std::string base = base_directory(input.environment, "XDG_CONFIG_HOME", ".config");
  if (!base.empty()) {
    candidates.push_back({base + "/mcp/mcp_servers.json", protocol::ConfigOrigin::kExplicit});
  }
  std::string looked_for;
  for (FoundConfiguration& candidate : candidates) {
    if (TRY(exists(candidate.path, files))) return std::move(candidate);
    looked_for += looked_for.empty() ? "" : ", ";
    looked_for += candidate.path;
  }
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigMissing,
              "no configuration found; looked for " + looked_for +
                  "; name one with -c FILE or MCPWIRE_CONFIG");
}

}  // namespace mcpwire::config
