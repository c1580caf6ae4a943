// SPDX-License-Identifier: MIT
//
// fetch_tools: all pages of one server's tools/list as one JSON array.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"

#include <string>

namespace mcpwire::daemon {

/// Within io::PageLimits. `options` apply to each page's request; `transport` outlives the task. A
/// JSON-RPC error of the server is kPeerError with the server's message as detail.
io::task<Result<std::string>> fetch_tools(io::McpTransport& transport, io::RequestOptions options);

/// A failed reply as an Error.
Error error_of_reply(const io::RpcReply& reply);

}  // namespace mcpwire::daemon
