// SPDX-License-Identifier: MIT
//
// load_active_configuration: from a client's key to servers that can be started: reads the file,
// checks its safety and approvals, resolves every server with the caller's environment.
//
// Threading: blocks on the file system: helper thread only.
#pragma once

#include "daemon/configuration_store.hpp"
#include "pool/transport_kind.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"

#include <cstdint>

namespace mcpwire::daemon {

/// Fails where nothing of the file can be used; a server that cannot be used is an entry with the
/// reason in its place. `kinds` are those beside what is built in.
Result<ActiveConfiguration> load_active_configuration(FileSystem& files,
                                                      const ConfigurationKey& key,
                                                      std::uint32_t own_uid,
                                                      pool::TransportKinds kinds = {});

}  // namespace mcpwire::daemon
