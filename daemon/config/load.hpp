// SPDX-License-Identifier: MIT
//
// A configuration file from path to servers: read, checked for safety, parsed.
//
// Threading: blocks on the file system.
#pragma once

#include "daemon/config/server_config.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::config {

struct LoadedConfiguration {
  Configuration configuration;
  std::string directory;  ///< Of the file; what relative paths in it are seen from.
  FileIdentity identity;  ///< Of the version that was read: what a cache is keyed by.
};

/// `path` is absolute. kConfigMissing, kConfigUnreadable, kConfigUnsafe, kTooLarge, and what
/// parse_configuration() returns; every message names the file.
Result<LoadedConfiguration> load_configuration(FileSystem& files, const std::string& path,
                                               std::uint32_t own_uid);

}  // namespace mcpwire::config
