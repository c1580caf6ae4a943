// SPDX-License-Identifier: MIT
//
// Handlers: what the daemon does for each method of protocol/methods.hpp that takes time. Each is a
// task that answers its request and never fails itself.
//
// Threading: the loop's thread. `session` outlives the tasks (its scope joins them).
#pragma once

#include "daemon/session.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::daemon {

class Request;

/// `payload` is a private copy of the request's payload.
io::task<Result<void>> serve_list_servers(Session& session, std::uint64_t correlation);
io::task<Result<void>> serve_list_tools(Session& session, std::uint64_t correlation,
                                        std::string payload);
io::task<Result<void>> serve_call_tool(Session& session, std::uint64_t correlation,
                                       RequestPayload payload);
io::task<Result<void>> serve_request(Session& session, std::uint64_t correlation,
                                     RequestPayload payload);
/// subscriptions/listen, part of the above; answers `request`, which outlives it.
io::task<void> serve_listen(Request& request, std::string payload);
io::task<Result<void>> serve_status(Session& session, std::uint64_t correlation);
io::task<Result<void>> serve_shutdown(Session& session, std::uint64_t correlation);

}  // namespace mcpwire::daemon
