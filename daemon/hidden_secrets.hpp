// SPDX-License-Identifier: MIT
//
// hide_secrets: takes the values that a server's configuration gave it out of what the server says
// went wrong, before a client hears it. Results are the caller's own data and stay as they are.
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "pool/server_spec.hpp"
#include "protocol/base/error.hpp"
#include "protocol/json/value.hpp"

namespace mcpwire::daemon {

/// A reply that is no result: its error object stays a valid one, or its error's text is cleaned.
void hide_secrets(protocol::json::ValueReader& reader, const pool::ServerSpec& spec,
                  io::RpcReply& reply);

/// Also without control characters, which could pass for lines of ours where it is shown.
Error hide_secrets(const pool::ServerSpec& spec, const Error& error);

}  // namespace mcpwire::daemon
