// SPDX-License-Identifier: MIT
#include "io/mcp/task_news.hpp"

#include "protocol/mcp/method.hpp"

namespace mcpwire::io {

void TaskNews::tell(const McpTransport& transport, std::string_view method,
                    std::string_view params) {
  if (method != protocol::mcp::kTaskStatus && method != protocol::mcp::kTaskChanged) return;
  watchers_.for_each([&](Watcher& watcher) {
    if (&watcher.transport_ == &transport) watcher.on_task_news(params);
  });
}

}  // namespace mcpwire::io
