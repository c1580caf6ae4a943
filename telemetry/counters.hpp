// SPDX-License-Identifier: MIT
//
// DaemonCounters: what the daemon counts about itself. Plain data; exporters live in daemon/.
// Threading: written by the loop's thread only; read there too.
#pragma once

#include <cstdint>

namespace mcpwire::telemetry {

struct DaemonCounters {
  std::uint64_t connections = 0;  ///< Clients accepted since the start.
  std::uint64_t clients = 0;      ///< Clients connected now.
  std::uint64_t violations = 0;   ///< Connections closed because the peer broke the protocol.
  std::uint64_t calls = 0;        ///< tools/call requests taken since the start.
  std::uint64_t refusals = 0;     ///< Processes that were refused more than their share.
  std::uint64_t undelivered = 0;  ///< Answers whose client was gone.
};

}  // namespace mcpwire::telemetry
