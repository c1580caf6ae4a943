// SPDX-License-Identifier: MIT
//
// What both sides say when a conversation begins: `initialize` in the legacy era, `server/discover`
// in the modern one, and what the answers mean. Knows no transport.
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "protocol/mcp/revision.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

/// Params of our `initialize`. Declares all that mcpwire can hand on to a client that asks for it:
/// servers fix at this moment what they will offer.
std::string initialize_params(protocol::mcp::Revision offered);

/// What the server answered. Errors: kHandshakeFailed, naming a revision that begins otherwise or
/// that mcpwire does not speak.
Result<ServerInfo> read_initialize_result(protocol::json::ValueReader& reader,
                                          std::string_view result);

/// Params of our `server/discover`, with the `_meta` of a modern request.
std::string discover_params(protocol::mcp::Revision offered);

/// What the answer to `server/discover` says of the server.
struct ProbeVerdict {
  enum class Kind : std::uint8_t {
    kModern,       ///< `info` is complete.
    kOtherModern,  ///< Modern, and wants to be asked in `revision`.
    kLegacy,       ///< Begin with `initialize`.
    kUnspoken,     ///< Modern, but in no revision that mcpwire speaks: `why`.
  };
  Kind kind = Kind::kLegacy;
  protocol::mcp::Revision revision = protocol::mcp::kNewestRevision;
  ServerInfo info;
  std::string why;  ///< Holds text of the server's.
};

/// `reply` ended as kOk or kPeerError. Any error but "unsupported version" with a list means
/// legacy, and so does a result that is no DiscoverResult: legacy servers answer what they do not
/// know with whatever their SDK has.
ProbeVerdict judge_probe(protocol::json::ValueReader& reader, const RpcReply& reply);

/// The message and the code of a raw JSON-RPC error object, or `error` itself where it has none.
std::string read_error_text(protocol::json::ValueReader& reader, std::string_view error);

/// The `code` of a raw JSON-RPC error object; 0 where it has none.
std::int64_t read_error_code(protocol::json::ValueReader& reader, std::string_view error);

}  // namespace mcpwire::io
