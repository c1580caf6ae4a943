// SPDX-License-Identifier: MIT
//
// TaskNews: what servers say of their tasks unasked, for those who wait for one. The one decision:
// it only ends a wait early. How a task stands is said by tasks/get, which is asked then; a server
// that says nothing, or whose word is lost, is polled all the same.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "protocol/base/intrusive_list.hpp"

#include <string_view>

namespace mcpwire::io {

class TaskNews {
 public:
  /// Hears of the tasks of one conversation until its destruction.
  class Watcher : public ListNode {
   public:
    explicit Watcher(const McpTransport& transport) noexcept : transport_(transport) {}
    /// `task` is a raw object with at least `taskId` and `status`, if the server follows the rules;
    /// valid during the call only. Must not destroy a watcher.
    virtual void on_task_news(std::string_view task) = 0;

   protected:
    ~Watcher() = default;

   private:
    friend class TaskNews;
    const McpTransport& transport_;
  };

  void watch(Watcher& watcher) noexcept { watchers_.push_back(watcher); }

  /// A notification of that conversation; others than those of tasks are ignored.
  void tell(const McpTransport& transport, std::string_view method, std::string_view params);

 private:
  IntrusiveList<Watcher> watchers_;
};

}  // namespace mcpwire::io
