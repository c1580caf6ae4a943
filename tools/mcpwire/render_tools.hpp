// SPDX-License-Identifier: MIT
//
// Tools as a person reads them, from the JSON that tools/list gave. What the servers wrote comes
// out as it is (tools/mcpwire/output.hpp escapes it), except that names stay on one line.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::cli {

struct ToolLine {
  std::string name;
  std::string signature;  ///< "(path: string, lines?: integer)"
  std::string summary;    ///< First line of the description, else the title.
};

/// One entry per tool that has a name. kProtocolViolation if `tools_json` is no JSON array.
Result<std::vector<ToolLine>> tool_lines(std::string_view tools_json);

/// The JSON of the tool with that name. kProtocolViolation as above.
Result<std::optional<std::string>> find_tool(std::string_view tools_json, std::string_view name);

/// Description, parameters, annotations and an example call, each line ended.
Result<std::string> describe_tool(std::string_view server, std::string_view tool_json);

/// At most `columns` characters (0: no limit), the last one "…" where something was cut.
std::string shorten(std::string_view text, std::size_t columns);

/// Characters, as far as a terminal shows one per code point.
std::size_t width_of(std::string_view text) noexcept;

}  // namespace mcpwire::cli
