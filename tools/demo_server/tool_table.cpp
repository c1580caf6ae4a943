// SPDX-License-Identifier: MIT
#include "tools/demo_server/tool_table.hpp"

#include <algorithm>
#include <array>

namespace mcpwire::demo {
namespace {

constexpr std::string_view kReadOnly =
    R"({"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false})";

constexpr std::string_view kNoInput = R"({"type":"object","properties":{}})";

// "additionalProperties" is left open on purpose: extra arguments are ignored.
constexpr std::array kTools = {
    ToolEntry{ToolId::kEcho, "echo", "Echo", "Answers with the message it is given.",
              R"({"type":"object","properties":{"message":{"type":"string"}},)"
              R"("required":["message"]})",
              "", kReadOnly},
    ToolEntry{ToolId::kAdd, "add", "Add", "Answers with the sum of two numbers.",
              R"({"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},)"
              R"("required":["a","b"]})",
              R"({"type":"object","properties":{"sum":{"type":"number"}},"required":["sum"]})",
              kReadOnly},
    ToolEntry{ToolId::kSleep, "sleep", "Sleep",
              "Answers after the given time; other requests go on meanwhile.",
              R"({"type":"object","properties":{"ms":{"type":"integer","minimum":0,)"
              R"("maximum":3600000}},"required":["ms"]})",
              "", kReadOnly},
    ToolEntry{ToolId::kFail, "fail", "Fail", "Answers with isError.",
              R"({"type":"object","properties":{"message":{"type":"string"}}})", "", kReadOnly},
    ToolEntry{ToolId::kBlob, "blob", "Blob", "Answers with a text of the given size.",
              R"({"type":"object","properties":{"bytes":{"type":"integer","minimum":0,)"
              R"("maximum":134217728}},"required":["bytes"]})",
              "", kReadOnly},
    ToolEntry{ToolId::kProgress, "progress", "Progress",
              "Takes steps of the given time and reports each as progress.",
              R"({"type":"object","properties":{"steps":{"type":"integer","minimum":1,)"
              R"("maximum":100000},"ms":{"type":"integer","minimum":0,"maximum":3600000}},)"
              R"("required":["steps","ms"]})",
              "", kReadOnly},
    ToolEntry{ToolId::kLedger, "ledger", "Ledger",
              "Appends a line with the token to the file named by MCPWIRE_LEDGER, then answers.",
              R"({"type":"object","properties":{"token":{"type":"string"}},)"
              R"("required":["token"]})",
              "",
              R"({"readOnlyHint":false,"destructiveHint":false,"idempotentHint":false,)"
              R"("openWorldHint":false})"},
    ToolEntry{ToolId::kCrash, "crash", "Crash", "Ends the server at once, without an answer.",
              R"({"type":"object","properties":{}})", "",
              R"({"readOnlyHint":false,"destructiveHint":true,"idempotentHint":false,)"
              R"("openWorldHint":false})"},
    ToolEntry{ToolId::kNoise, "noise", "Noise",
              "Writes lines to standard error and lines that are not JSON to standard output, then "
              "answers.",
              R"({"type":"object","properties":{"lines":{"type":"integer","minimum":0,)"
              R"("maximum":100000}},"required":["lines"]})",
              "", kReadOnly},
    ToolEntry{ToolId::kAsk, "ask", "Ask", "Asks the caller's name, then answers with the answer.",
              kNoInput, "", kReadOnly},
    ToolEntry{ToolId::kSample, "sample", "Sample", "Asks the caller's model to say hi.", kNoInput,
              "", kReadOnly},
    ToolEntry{ToolId::kRoots, "roots", "Roots", "Asks for the caller's roots.", kNoInput, "",
              kReadOnly},
    ToolEntry{ToolId::kTask, "task", "Task",
              "Takes the given time, as a task where the caller can wait for one.",
              R"({"type":"object","properties":{"ms":{"type":"integer","minimum":0,)"
              R"("maximum":3600000}},"required":["ms"]})",
              "", kReadOnly},
    ToolEntry{ToolId::kTouch, "touch", "Touch", "Tells that the resource has changed.",
              R"({"type":"object","properties":{"uri":{"type":"string"}},"required":["uri"]})", "",
              kReadOnly},
    ToolEntry{ToolId::kLog, "log", "Log", "Sends a log message, then answers.", kNoInput, "",
              kReadOnly},
    ToolEntry{ToolId::kGrow, "grow", "Grow", "Adds a tool to the list, if it is not there.",
              kNoInput, "", kReadOnly},
    ToolEntry{ToolId::kGrown, "grown", "Grown", "The tool that `grow` adds.", kNoInput, "",
              kReadOnly},
};

}  // namespace

std::span<const ToolEntry> all_tools() noexcept { return kTools; }

const ToolEntry* find_tool(std::string_view name) noexcept {
  const auto found = std::ranges::find(kTools, name, &ToolEntry::name);
  return found == kTools.end() ? nullptr : &*found;
}

void write_tool(protocol::json::Writer& writer, const ToolEntry& tool, Revision revision) {
  writer.begin_object().key("name").string(tool.name);
  const bool has_structure = revision >= Revision::k2025_06_18;
  if (has_structure) writer.key("title").string(tool.title);
  writer.key("description").string(tool.description).key("inputSchema").raw(tool.input_schema);
  if (has_structure && !tool.output_schema.empty()) {
    writer.key("outputSchema").raw(tool.output_schema);
  }
  if (revision >= Revision::k2025_03_26) writer.key("annotations").raw(tool.annotations);
  writer.end_object();
}

}  // namespace mcpwire::demo
