// SPDX-License-Identifier: MIT
//
// exchange: one request with all that its answer takes: rounds of `input_required`, tasks of both
// kinds. Whoever made the request sees only its end.
// The one decision: once the first request has gone out, nothing later is `not sent`: whatever
// fails in a later round leaves the whole `unknown` or `cancelled`.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <string_view>

namespace mcpwire::io {

/// Rounds of one request; a server that asks on and on is cut off.
inline constexpr int kInputRoundsMax = 10;

/// A task without a wish of its own is looked at so often; wishes are kept between the limits.
inline constexpr std::uint64_t kTaskPollNs = 1 * kNanosecondsPerSecond;
inline constexpr std::uint64_t kTaskPollMinNs = 20 * kNanosecondsPerMillisecond;
inline constexpr std::uint64_t kTaskPollMaxNs = 3600 * kNanosecondsPerSecond;

/// The server is told that a task is not wanted any more; nobody waits longer for its word.
inline constexpr std::uint64_t kTaskCancelNs = 500 * kNanosecondsPerMillisecond;

/// As McpTransport::request, and until the end: questions go to `options.server_requests`, tasks
/// are waited for. `options.meta` goes with each request and lives as long. A caller whose `params`
/// hold `inputResponses` or `requestState` answers himself and gets each result as it is. Costs a
/// request of a server without rounds and tasks nothing.
task<RpcReply> exchange(EventLoop& loop, McpTransport& transport,
                        std::string_view method,  // outlives: the caller keeps it until the end
                        std::string_view params,  // outlives: the caller keeps it until the end
                        RequestOptions options);

}  // namespace mcpwire::io
