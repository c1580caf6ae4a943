// SPDX-License-Identifier: MIT
//
// TransportLimits: how much one MCP server may make us hold or read. What exceeds a limit ends the
// conversation, or fails the request, with an error that names the configuration's key.
//
// Threading: a value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mcpwire::io {

struct TransportLimits {
  /// One line on a server's standard output, without its newline (limits.lineBytes).
  std::size_t line_bytes_max = std::size_t{64} << 20;
  /// What waits for a server that does not read; beyond it requests are kRejected
  /// (limits.queueBytes). Some dozens of large requests at the same time are no sign of that.
  std::size_t queue_bytes_max = std::size_t{64} << 20;
  /// Lines on standard output that are no JSON-RPC message (limits.junkLines).
  std::uint64_t junk_lines_max = 1000;
  /// The last output on standard error that is kept (limits.stderrBytes).
  std::size_t stderr_bytes_max = std::size_t{64} << 10;
  /// One message over HTTP, after decoding: a body or an event (limits.messageBytes).
  std::size_t message_bytes_max = std::size_t{64} << 20;
  /// All header lines of one HTTP answer together (limits.headerBytes).
  std::size_t header_bytes_max = std::size_t{32} << 10;
};

}  // namespace mcpwire::io
