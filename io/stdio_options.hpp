// SPDX-License-Identifier: MIT
//
// StdioTransportOptions: the server, and how much of it a StdioTransport bears.
// Threading: a value.
#pragma once

#include "io/line_framer.hpp"
#include "io/mcp/negotiation.hpp"
#include "io/mcp/outgoing_observer.hpp"
#include "io/stop_ladder.hpp"
#include "protocol/base/spawn_request.hpp"

#include <cstddef>
#include <cstdint>

namespace mcpwire::io {

struct StdioTransportOptions {
  SpawnRequest server;
  std::size_t line_bytes_max = kLineBytesMaxDefault;
  /// Lines waiting for a server that does not read; beyond it requests are kRejected.
  std::size_t queue_bytes_max = std::size_t{4} << 20;
  /// Lines on stdout that are no JSON-RPC message; beyond it the connection ends.
  std::uint64_t junk_lines_max = 1000;
  /// How many of them the MessageObserver is shown.
  std::uint64_t junk_lines_shown = 10;
  std::uint64_t drain_ns = 300 * kNanosecondsPerMillisecond;
  StopTimes stop_times;
  NegotiationOptions negotiation{};
  OutgoingObserver* outgoing = nullptr;  ///< May be null.
};

}  // namespace mcpwire::io
