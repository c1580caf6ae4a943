// SPDX-License-Identifier: MIT
//
// find_server and lease_server: from a name to an open connection, the first half of every request
// that concerns a server.
//
// Threading: the loop's thread.
#pragma once

#include "daemon/session.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/base/result.hpp"

#include <string>

namespace mcpwire::daemon {

/// A server of a configuration; keeps the configuration alive.
struct FoundServer {
  ConfigurationPointer configuration;
  const ConfiguredServer* server = nullptr;
};

/// The server of that name in `configuration`, provided that it can be used.
Result<FoundServer> find_server(ConfigurationPointer configuration, std::string_view name);

/// An open connection to it; opens it if needed.
io::task<Result<pool::Lease>> lease_server(
    pool::ConnectionPool& pool,
    const FoundServer& found,  // outlives: its callers await in the same expression
    io::CancelScope& scope);

}  // namespace mcpwire::daemon
