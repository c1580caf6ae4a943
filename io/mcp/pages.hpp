// SPDX-License-Identifier: MIT
//
// fetch_pages: all pages of one list method as one JSON array.
// A cursor is opaque: it goes back as the token it came as, and an empty one is a cursor like any
// other. Only its absence ends the list.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/mcp/method.hpp"

#include <cstddef>
#include <string_view>

namespace mcpwire::io {

/// A server that pages without end is cut off with kTooLarge at either limit.
struct PageLimits {
  std::size_t pages = 64;
  std::size_t bytes = std::size_t{16} << 20;
};

/// kOk: the elements of all pages, a JSON array. A page that fails is the failure of all; a page
/// without a list and a cursor that comes again are kUnknown with kProtocolViolation. `options`
/// apply to each request. REQUIRES: `method` has pages.
task<RpcReply> fetch_pages(McpTransport& transport,
                           const protocol::mcp::MethodFacts& method,  // outlives: a constant table
                           std::string_view params,  // outlives: the caller keeps it until the end
                           RequestOptions options, PageLimits limits = {});

}  // namespace mcpwire::io
