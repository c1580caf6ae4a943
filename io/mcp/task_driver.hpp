// SPDX-License-Identifier: MIT
//
// drive_task and drive_core_task: a task that a server made of a request, waited for until it ends.
// The first are those of the modern extension, the others those of the 2025-11-25 core; they share
// a name and little else.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp/task_news.hpp"
#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/base/seams/event_loop.hpp"

namespace mcpwire::io {

// `created` is the result that announced the task. The reply is the original request's: the
// task's result, its error as the server's, or why there is none. When the caller gives up or the
// deadline passes, the task is cancelled at the server. `options` as of the original request.
// With `options.task_news` another status that the server tells of ends the wait at once.

/// Polls `tasks/get`; questions of the task go to the sink and back by `tasks/update`, each once.
task<RpcReply> drive_task(EventLoop& loop, McpTransport& transport, RpcBody created,
                          RequestOptions options);

/// Polls `tasks/get` until the task has ended or wants input, then takes `tasks/result`, which
/// waits and during which the server asks by requests of its own.
task<RpcReply> drive_core_task(EventLoop& loop, McpTransport& transport, RpcBody created,
                               RequestOptions options);

}  // namespace mcpwire::io
