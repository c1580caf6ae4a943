// SPDX-License-Identifier: MIT
//
// parse_large: reads a request that would hold up the loop on the helper thread, and gives the
// client's memory back there. What it makes is kept once and goes to the server from where it lies.
//
// Threading: the loop's thread.
#pragma once

#include "daemon/request.hpp"
#include "daemon/request_payload.hpp"
#include "daemon/server_call.hpp"
#include "io/task.hpp"

#include <string_view>

namespace mcpwire::daemon {

/// Reads a payload; uses nothing of the loop's.
using ParseCall = Result<ServerCall> (*)(protocol::json::ValueReader& reader,
                                         std::string_view payload);

/// REQUIRES: the request outlives the task.
io::task<Result<ServerCall>> parse_large(Request& request, RequestPayload payload, ParseCall parse);

}  // namespace mcpwire::daemon
