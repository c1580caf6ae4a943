// SPDX-License-Identifier: MIT
#include "tools/demo_server/demo_tasks.hpp"

#include "protocol/json/string_token.hpp"

#include <array>

namespace mcpwire::demo {
namespace {

using protocol::json::Writer;

constexpr int kPollMs = 50;
constexpr std::string_view kCreatedAt = "1970-01-01T00:00:00Z";

void write_content(Writer& writer) {
  writer.key("content").begin_array().begin_object().key("type").string("text");
  writer.key("text").string("task done").end_object().end_array();
}

}  // namespace

std::string_view DemoTasks::status_of(const Task& task) const noexcept {
  if (task.is_cancelled) return "cancelled";
  return host_.monotonic_ns() >= task.done_ns ? "completed" : "working";
}

void DemoTasks::write_task(Writer& writer, std::string_view id, const Task& task,
                           Revision revision) {
  const bool is_modern = revision == kModern;
  writer.key("taskId").string(id).key("status").string(status_of(task));
  writer.key("createdAt").string(kCreatedAt).key("lastUpdatedAt").string(kCreatedAt);
  writer.key(is_modern ? "ttlMs" : "ttl").null();
  writer.key(is_modern ? "pollIntervalMs" : "pollInterval").number(kPollMs);
}

void DemoTasks::create(const Caller& caller, std::uint64_t duration_ns) {
  if (tasks_.size() >= kTasksMax) {
    return append_text(out_, caller, "too many tasks", IsError::kYes);
  }
  const std::string id = "task-" + std::to_string(next_id_++);
  const Task task{host_.monotonic_ns() + duration_ns};
  tasks_.emplace(id, task);
  Writer writer(out_);
  writer.begin_object().key("jsonrpc").string("2.0").key("id").raw(caller.id);
  writer.key("result").begin_object();
  if (caller.revision == kModern) {
    writer.key("resultType").string("task");
    write_task(writer, id, task, caller.revision);
  } else {
    writer.key("task").begin_object();
    write_task(writer, id, task, caller.revision);
    writer.end_object();
  }
  writer.end_object().end_object();
  out_ += '\n';
}

bool DemoTasks::answer(const Caller& caller, std::string_view method, std::string_view params) {
  const bool is_cancel = method == "tasks/cancel";
  const bool is_result = method == "tasks/result" && caller.revision != kModern;
  if (!is_cancel && !is_result && method != "tasks/get") return false;
  static constexpr std::array<std::string_view, 1> kNames = {"taskId"};
  std::array<std::string_view, 1> raw;
  static_cast<void>(reader_.extract_fields(params, kNames, raw));
  const auto id = protocol::json::decode_string(raw[0]);
  const auto found = id.has_value() ? tasks_.find(*id) : tasks_.end();
  if (found == tasks_.end()) {
    append_error(out_, caller.id, kInvalidParams, "unknown task");
    return true;
  }
  Task& task = found->second;
  if (is_cancel) task.is_cancelled = true;
  const std::string_view status = status_of(task);
  if (is_result && status != "completed") {
    append_error(out_, caller.id, kInvalidParams, "the task has no result");
    return true;
  }
  append_result(out_, caller, [&](Writer& writer) {
    if (is_result) return write_content(writer);
    write_task(writer, *id, task, caller.revision);
    if (caller.revision != kModern || status != "completed") return;
    writer.key("result").begin_object();
    write_content(writer);
    writer.end_object();
  });
  return true;
}

}  // namespace mcpwire::demo
