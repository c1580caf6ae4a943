// SPDX-License-Identifier: MIT
//
// Which configuration file is meant, in this order:
//   -c FILE, MCPWIRE_CONFIG               explicit: only that file, and it must exist
//   ./mcp_servers.json, ./.mcp.json       discovered: its commands need approval
//   ~/.config/mcp/mcp_servers.json        explicit (below XDG_CONFIG_HOME where that is set)
//
// Threading: blocks on the file system.
#pragma once

#include "daemon/config/paths.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/params.hpp"

#include <string>

namespace mcpwire::config {

struct DiscoveryInput {
  std::string chosen_path;        ///< Value of -c; empty: not given.
  std::string working_directory;  ///< Absolute.
  EnvironmentMap environment;
};

struct FoundConfiguration {
  std::string path;  ///< Absolute.
  protocol::ConfigOrigin origin = protocol::ConfigOrigin::kNone;
};

/// kConfigMissing lists what was looked for; kConfigUnreadable where a file is there but cannot be
/// looked at.
Result<FoundConfiguration> discover(const DiscoveryInput& input, FileSystem& files);

}  // namespace mcpwire::config
