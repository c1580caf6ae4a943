// SPDX-License-Identifier: MIT
#include "tools/demo_server/tools.hpp"

#include "protocol/base/seams/clock.hpp"
#include "protocol/json/string_token.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace mcpwire::demo {
namespace {

using protocol::json::Writer;

constexpr std::int64_t kMillisecondsMax = 3'600'000;
constexpr std::int64_t kBlobBytesMax = std::int64_t{128} << 20;
constexpr std::int64_t kStepsMax = 100'000;
constexpr std::int64_t kLinesMax = 100'000;

constexpr std::uint64_t nanoseconds(std::int64_t milliseconds) noexcept {
  return static_cast<std::uint64_t>(milliseconds) * kNanosecondsPerMillisecond;
}

std::string number_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

}  // namespace

void Tools::run(const ToolEntry& tool, const ToolCall& call) {
  switch (tool.id) {
    case ToolId::kEcho:
      return echo(call);
    case ToolId::kAdd:
      return add(call);
    case ToolId::kSleep:
      return sleep(call);
    case ToolId::kFail:
      return fail(call);
    case ToolId::kBlob:
      return blob(call);
    case ToolId::kProgress:
      return progress(call);
    case ToolId::kLedger:
      return ledger(call);
    case ToolId::kNoise:
      return noise(call);
    case ToolId::kAsk:
      return questions_.ask(call.caller, Question::kElicitation, call.params);
    case ToolId::kSample:
      return questions_.ask(call.caller, Question::kSampling, call.params);
    case ToolId::kRoots:
      return questions_.ask(call.caller, Question::kRoots, call.params);
    case ToolId::kTask:
      return task(call);
    case ToolId::kTouch:
      return touch(call);
    case ToolId::kLog:
      return log(call);
    case ToolId::kGrow:
      return grow(call);
    case ToolId::kGrown:
      return append_text(out_, call.caller, "grown");
    case ToolId::kCrash:
      host_.crash(out_);
  }
}

std::string_view Tools::argument(const ToolCall& call, std::string_view name) {
  if (call.arguments.empty()) return {};
  std::string_view raw;
  const std::array<std::string_view, 1> names = {name};
  const auto found = reader_.extract_fields(call.arguments, names, {&raw, 1});
  return found.has_value() ? raw : std::string_view();
}

std::optional<std::int64_t> Tools::integer(const ToolCall& call, std::string_view name,
                                           std::int64_t min, std::int64_t max) {
  const Result<std::int64_t> value = protocol::json::read_int64(argument(call, name));
  if (value && *value >= min && *value <= max) return *value;
  refuse(call, "'" + std::string(name) + "' must be an integer from " + std::to_string(min) +
                   " to " + std::to_string(max));
  return std::nullopt;
}

/// Until 2025-11-25 bad arguments were a protocol error; since then the model is to see them.
void Tools::refuse(const ToolCall& call, std::string_view why) {
  if (call.caller.revision >= Revision::k2025_11_25) {
    append_text(out_, call.caller, why, IsError::kYes);
  } else {
    append_error(out_, call.caller.id, kInvalidParams, why);
  }
}

void Tools::echo(const ToolCall& call) {
  const std::string_view raw = argument(call, "message");
  if (!raw.starts_with('"')) return refuse(call, "'message' must be a string");
  append_result(out_, call.caller, [raw](Writer& writer) {
    // The token passes through as it was written: escapes and all, it is the same text.
    writer.key("content").begin_array().begin_object().key("type").string("text");
    writer.key("text").raw(raw).end_object().end_array();
  });
}

void Tools::add(const ToolCall& call) {
  const Result<double> a = protocol::json::read_double(argument(call, "a"));
  const Result<double> b = protocol::json::read_double(argument(call, "b"));
  if (!a || !b) return refuse(call, "'a' and 'b' must be numbers");
  const double sum = *a + *b;
  if (!std::isfinite(sum)) return append_text(out_, call.caller, "overflow", IsError::kYes);
  append_result(out_, call.caller, [&](Writer& writer) {
    writer.key("content").begin_array().begin_object().key("type").string("text");
    writer.key("text").string(number_text(sum)).end_object().end_array();
    if (call.caller.revision < Revision::k2025_06_18) return;
    writer.key("structuredContent").begin_object().key("sum").number(sum).end_object();
  });
}

void Tools::sleep(const ToolCall& call) {
  const auto ms = integer(call, "ms", 0, kMillisecondsMax);
  if (ms) wait(call, {.interval_ns = nanoseconds(*ms)});
}

void Tools::fail(const ToolCall& call) {
  const std::string_view raw = argument(call, "message");
  if (raw.empty()) return append_text(out_, call.caller, "failed on request", IsError::kYes);
  const Result<std::string> message = protocol::json::decode_string(raw);
  if (!message) return refuse(call, "'message' must be a string");
  append_text(out_, call.caller, *message, IsError::kYes);
}

void Tools::blob(const ToolCall& call) {
  const auto bytes = integer(call, "bytes", 0, kBlobBytesMax);
  if (!bytes) return;
  append_text(out_, call.caller, std::string(static_cast<std::size_t>(*bytes), 'x'));
}

void Tools::progress(const ToolCall& call) {
  const auto steps = integer(call, "steps", 1, kStepsMax);
  if (!steps) return;
  const auto ms = integer(call, "ms", 0, kMillisecondsMax);
  if (!ms) return;
  wait(call, {.progress_token = std::string(call.progress_token),
              .interval_ns = nanoseconds(*ms),
              .steps = *steps});
}

void Tools::ledger(const ToolCall& call) {
  const Result<std::string> token = protocol::json::decode_string(argument(call, "token"));
  if (!token || token->find('\n') != token->npos) {
    return refuse(call, "'token' must be a string without newlines");
  }
  if (!host_.append_to_ledger(*token)) {
    return append_text(out_, call.caller, "MCPWIRE_LEDGER names no writable file", IsError::kYes);
  }
  append_text(out_, call.caller, *token);
}

void Tools::noise(const ToolCall& call) {
  const auto lines = integer(call, "lines", 0, kLinesMax);
  if (!lines) return;
  for (std::int64_t line = 1; line <= *lines; ++line) {
    const std::string number = std::to_string(line);
    host_.log("demo: noise line " + number + "\n");
    out_ += "noise line " + number + " is not JSON\n";
  }
  append_text(out_, call.caller, std::to_string(*lines) + " lines");
}

void Tools::task(const ToolCall& call) {
  const auto ms = integer(call, "ms", 0, kMillisecondsMax);
  if (!ms) return;
  if (call.takes_tasks) return tasks_.create(call.caller, nanoseconds(*ms));
  wait(call, {.interval_ns = nanoseconds(*ms)});
}

void Tools::touch(const ToolCall& call) {
  const std::string_view uri = argument(call, "uri");
  if (!uri.starts_with('"')) return refuse(call, "'uri' must be a string");
  listeners_.resource_updated(uri, call.caller.revision);
  append_text(out_, call.caller, "touched");
}

void Tools::log(const ToolCall& call) {
  if (call.wants_logs) {
    Writer(out_)
        .begin_object()
        .key("jsonrpc")
        .string("2.0")
        .key("method")
        .string("notifications/message")
        .key("params")
        .raw(R"({"level":"info","logger":"demo","data":"logged"})")
        .end_object();
    out_ += '\n';
  }
  append_text(out_, call.caller, "logged");
}

void Tools::grow(const ToolCall& call) {
  has_grown_ = true;
  listeners_.tools_changed(call.caller.revision);
  append_text(out_, call.caller, "grown");
}

void Tools::wait(const ToolCall& call, PendingCall pending) {
  pending.id = call.caller.id;
  pending.revision = call.caller.revision;
  const std::uint64_t due_ns = host_.monotonic_ns() + pending.interval_ns;
  if (pending_.add(due_ns, std::move(pending))) return;
  append_text(out_, call.caller, "too many calls wait already", IsError::kYes);
}

void Tools::run_due(std::uint64_t now_ns) {
  while (std::optional<PendingCall> call = pending_.take_due(now_ns)) {
    const Caller caller{call->id, call->revision};
    if (call->steps == 0) {
      const std::uint64_t ms = call->interval_ns / kNanosecondsPerMillisecond;
      append_text(out_, caller, "slept " + std::to_string(ms) + " ms");
      continue;
    }
    ++call->steps_done;
    report_step(*call);
    if (call->steps_done == call->steps) {
      append_text(out_, caller, std::to_string(call->steps) + " steps done");
    } else {
      pending_.add(now_ns + call->interval_ns, std::move(*call));
    }
  }
}

void Tools::report_step(const PendingCall& call) {
  if (call.progress_token.empty()) return;
  Writer writer(out_);
  writer.begin_object().key("jsonrpc").string("2.0");
  writer.key("method").string("notifications/progress").key("params").begin_object();
  writer.key("progressToken").raw(call.progress_token);
  writer.key("progress").number(call.steps_done).key("total").number(call.steps);
  if (call.revision >= Revision::k2025_03_26) {
    writer.key("message").string("step " + std::to_string(call.steps_done));
  }
  writer.end_object().end_object();
  out_ += '\n';
}

}  // namespace mcpwire::demo
