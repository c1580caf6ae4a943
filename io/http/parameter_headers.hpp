// SPDX-License-Identifier: MIT
//
// ParameterHeaders: which arguments of a tool also travel as `Mcp-Param-<name>` headers: those that
// its inputSchema marks with "x-mcp-header" (MCP 2026-07-28, Streamable HTTP).
//
// A mark is valid only on a property of type string, integer or boolean that is reached from the
// root through `properties` alone; its name is an HTTP token and unique in the schema whatever its
// case. A tool with an invalid mark must not be shown to anybody.
//
// Threading: values; the functions are pure.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

enum class ParameterType : std::uint8_t { kString, kInteger, kBoolean };

struct ParameterHeader {
  std::string name;               ///< As in "Mcp-Param-" + name.
  std::vector<std::string> path;  ///< Of the argument, from the root.
  ParameterType type = ParameterType::kString;
};

using ParameterHeaders = std::vector<ParameterHeader>;

/// The marks of one schema, in its order. Errors: kInvalid, saying which mark is wrong.
Result<ParameterHeaders> read_parameter_headers(std::string_view input_schema);

/// The header lines for a call's arguments, which are validated JSON. Left out: arguments that are
/// absent, null, of another type than the schema says, or integers beyond 2^53.
std::vector<std::string> parameter_header_lines(const ParameterHeaders& headers,
                                                std::string_view arguments);

/// What is known of a server's tools, by name.
using ToolHeaders = std::map<std::string, ParameterHeaders, std::less<>>;

struct FilteredTools {
  std::string result;  ///< The page without them, otherwise as it was; empty: none was left out.
  std::size_t dropped = 0;
};

/// Reads one page of tools/list: notes the marks of each tool in `known` and leaves out the tools
/// whose marks are invalid. `result` is validated JSON; what is no list of tools is left as it is.
FilteredTools filter_tools(protocol::json::ValueReader& reader, std::string_view result,
                           ToolHeaders& known);

}  // namespace mcpwire::io
