// SPDX-License-Identifier: MIT
//
// The tools as tools/list tells of them.
#pragma once

#include "protocol/json/writer.hpp"
#include "tools/demo_server/revision.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace mcpwire::demo {

enum class ToolId : std::uint8_t {
  kEcho,
  kAdd,
  kSleep,
  kFail,
  kBlob,
  kProgress,
  kLedger,
  kCrash,
  kNoise,
  kAsk,
  kSample,
  kRoots,
  kTask,
  kTouch,
  kLog,
  kGrow,
  kGrown,
};

struct ToolEntry {
  ToolId id;
  std::string_view name;
  std::string_view title;
  std::string_view description;
  std::string_view input_schema;   ///< JSON.
  std::string_view output_schema;  ///< JSON; empty if its results are not structured.
  std::string_view annotations;    ///< JSON.
};

/// In the order in which tools/list shows them. The last one is shown only after `grow` was called.
std::span<const ToolEntry> all_tools() noexcept;

/// The tool of that name, or null.
const ToolEntry* find_tool(std::string_view name) noexcept;

/// Writes one entry of tools/list with the members that `revision` knows.
void write_tool(protocol::json::Writer& writer, const ToolEntry& tool, Revision revision);

}  // namespace mcpwire::demo
