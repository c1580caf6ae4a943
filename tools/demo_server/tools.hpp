// SPDX-License-Identifier: MIT
//
// Tools: runs one tool call. Appends the answer, or leaves it to PendingCalls where it takes time.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"
#include "tools/demo_server/demo_tasks.hpp"
#include "tools/demo_server/host.hpp"
#include "tools/demo_server/listeners.hpp"
#include "tools/demo_server/pending_calls.hpp"
#include "tools/demo_server/questions.hpp"
#include "tools/demo_server/replies.hpp"
#include "tools/demo_server/tool_table.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mcpwire::demo {

/// One tools/call request, as raw spans of its line.
struct ToolCall {
  Caller caller;
  std::string_view arguments;       ///< An object; empty if absent.
  std::string_view progress_token;  ///< Empty if absent.
  std::string_view params;          ///< The whole; never empty.
  bool takes_tasks = false;         ///< The caller can wait for one.
  bool wants_logs = false;          ///< Legacy: always.
};

class Tools {
 public:
  Tools(Host& host, protocol::json::ValueReader& reader, std::string& out)
      : host_(host),
        reader_(reader),
        out_(out),
        listeners_(reader, out),
        questions_(reader, out),
        tasks_(host, reader, out) {}

  /// What tools/list shows.
  std::span<const ToolEntry> visible() const noexcept {
    return all_tools().first(all_tools().size() - (has_grown_ ? 0 : 1));
  }
  Listeners& listeners() noexcept { return listeners_; }
  Questions& questions() noexcept { return questions_; }
  DemoTasks& tasks() noexcept { return tasks_; }

  void run(const ToolEntry& tool, const ToolCall& call);

  /// Answers, or takes the next step of, what is due at `now_ns`.
  void run_due(std::uint64_t now_ns);

  void cancel(std::string_view id) {
    pending_.cancel(id);
    listeners_.cancel(id);
  }
  std::uint64_t next_due_ns() const noexcept { return pending_.next_due_ns(); }

 private:
  void echo(const ToolCall& call);
  void add(const ToolCall& call);
  void sleep(const ToolCall& call);
  void fail(const ToolCall& call);
  void blob(const ToolCall& call);
  void progress(const ToolCall& call);
  void ledger(const ToolCall& call);
  void noise(const ToolCall& call);
  void task(const ToolCall& call);
  void touch(const ToolCall& call);
  void log(const ToolCall& call);
  void grow(const ToolCall& call);

  std::string_view argument(const ToolCall& call, std::string_view name);
  std::optional<std::int64_t> integer(const ToolCall& call, std::string_view name, std::int64_t min,
                                      std::int64_t max);
  void refuse(const ToolCall& call, std::string_view why);
  void wait(const ToolCall& call, PendingCall pending);
  void report_step(const PendingCall& call);

  Host& host_;
  protocol::json::ValueReader& reader_;
  std::string& out_;
  PendingCalls pending_;
  Listeners listeners_;
  Questions questions_;
  DemoTasks tasks_;
  bool has_grown_ = false;
};

}  // namespace mcpwire::demo
