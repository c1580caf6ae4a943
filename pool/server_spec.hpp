// SPDX-License-Identifier: MIT
//
// ServerSpec: everything needed to start one MCP server, and the identity that decides who shares
// it. Two configurations that resolve to the same identity use the same process.
#pragma once

#include "protocol/base/seams/clock.hpp"
#include "protocol/base/spawn_request.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::pool {

/// `npx` downloads on its first run; a server that needs longer says so with `timeout`.
inline constexpr std::uint64_t kOpenTimeoutNs = 60 * kNanosecondsPerSecond;

struct ServerSpec {
  std::string identity;  ///< Hash over program, arguments, environment and working directory.
  std::string name;      ///< As the configuration that first asked for it calls it; for people.
  SpawnRequest spawn;
  /// For the spawn and the handshake together, in nanoseconds.
  std::uint64_t open_timeout_ns = kOpenTimeoutNs;
};

}  // namespace mcpwire::pool
