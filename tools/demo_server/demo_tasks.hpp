// SPDX-License-Identifier: MIT
//
// DemoTasks: calls that become tasks, of the 2025-11-25 core and of the modern extension. A task is
// done when its time is over; whoever asks then gets its result.
#pragma once

#include "protocol/json/value.hpp"
#include "tools/demo_server/host.hpp"
#include "tools/demo_server/replies.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mcpwire::demo {

class DemoTasks {
 public:
  static constexpr std::size_t kTasksMax = 10'000;

  DemoTasks(Host& host, protocol::json::ValueReader& reader, std::string& out)
      : host_(host), reader_(reader), out_(out) {}

  /// Answers a call with a new task that takes so long.
  void create(const Caller& caller, std::uint64_t duration_ns);

  /// Answers tasks/get, tasks/result, tasks/cancel. False: it is none of them.
  bool answer(const Caller& caller, std::string_view method, std::string_view params);

 private:
  struct Task {
    std::uint64_t done_ns = 0;
    bool is_cancelled = false;
  };
  std::string_view status_of(const Task& task) const noexcept;
  void write_task(protocol::json::Writer& writer, std::string_view id, const Task& task,
                  Revision revision);

  Host& host_;
  protocol::json::ValueReader& reader_;
  std::string& out_;
  std::map<std::string, Task, std::less<>> tasks_;
  std::uint64_t next_id_ = 1;
};

}  // namespace mcpwire::demo
