// SPDX-License-Identifier: MIT
//
// Tools: runs one tool call. Appends the answer, or leaves it to PendingCalls where it takes time.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"
#include "tools/demo_server/host.hpp"
#include "tools/demo_server/pending_calls.hpp"
#include "tools/demo_server/replies.hpp"
#include "tools/demo_server/tool_table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::demo {

/// One tools/call request, as raw spans of its line.
struct ToolCall {
  Caller caller;
  std::string_view arguments;       ///< An object; empty if absent.
  std::string_view progress_token;  ///< Empty if absent.
};

class Tools {
 public:
  Tools(Host& host, protocol::json::ValueReader& reader, std::string& out)
      : host_(host), reader_(reader), out_(out) {}

  void run(const ToolEntry& tool, const ToolCall& call);

  /// Answers, or takes the next step of, what is due at `now_ns`.
  void run_due(std::uint64_t now_ns);

  void cancel(std::string_view id) { pending_.cancel(id); }
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
};

}  // namespace mcpwire::demo
