// SPDX-License-Identifier: MIT
//
// StdioTransportOptions: the server, and how much of it a StdioTransport bears.
// Threading: a value.
#pragma once

#include "io/mcp/negotiation.hpp"
#include "io/mcp/outgoing_observer.hpp"
#include "io/stop_ladder.hpp"
#include "io/transport_limits.hpp"
#include "protocol/base/spawn_request.hpp"

#include <cstdint>

namespace mcpwire::io {

struct StdioTransportOptions {
  SpawnRequest server;
  TransportLimits limits;
  /// How many junk lines the MessageObserver is shown.
  std::uint64_t junk_lines_shown = 10;
  std::uint64_t drain_ns = 300 * kNanosecondsPerMillisecond;
  StopTimes stop_times;
  NegotiationOptions negotiation{};
  OutgoingObserver* outgoing = nullptr;  ///< May be null.
};

}  // namespace mcpwire::io
