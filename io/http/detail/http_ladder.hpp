// SPDX-License-Identifier: MIT
//
// The ladder by which a client finds out what a server over HTTP speaks (MCP, "Versioning",
// backward compatibility): a modern request first; what is refused without a modern error means
// `initialize`; what refuses that, HTTP+SSE. An outage is an outage and no sign of anything.
//
//   server/discover: 2xx, a DiscoverResult      -> modern
//                    -32022 with a list         -> modern, in a revision of that list
//                    401, 403                   -> wants authorization
//                    3xx                        -> a redirect, which is not followed
//                    5xx, no connection, time   -> an outage
//                    any other 4xx or 2xx       -> initialize
//   initialize:      2xx, a result              -> legacy
//                    400, 404, 405              -> GET, expecting an `endpoint` event
//                    anything else              -> fails with what it is
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "io/mcp/handshake.hpp"
#include "io/mcp_transport.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::io::detail {

struct HttpPeer;

/// A JSON-RPC reply with what HTTP said of it.
struct HttpReply {
  RpcReply rpc;
  int status = 0;          ///< 0 if there was none.
  std::string session_id;  ///< Empty if the server named none.
};

enum class Rung : std::uint8_t {
  kModern,       ///< `probe.info` is complete.
  kOtherModern,  ///< Ask again, in `probe.revision`.
  kInitialize,
  kLegacy,
  kEventStream,
  kFail,  ///< `error` says why; it may hold text of the server's.
};

struct LadderStep {
  Rung rung = Rung::kFail;
  ProbeVerdict probe = {};
  Error error = {};
};

LadderStep after_discover(const HttpPeer& peer, const HttpReply& reply);
LadderStep after_initialize(const HttpPeer& peer, const HttpReply& reply);

}  // namespace mcpwire::io::detail
