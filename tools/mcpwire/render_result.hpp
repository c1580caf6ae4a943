// SPDX-License-Identifier: MIT
//
// Results and errors of tool calls, as text.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::cli {

enum class ToolVerdict : std::uint8_t { kOk, kError };

struct RenderedResult {
  /// Text blocks and embedded text resources, each ended by a line break; where there is no content
  /// at all, structuredContent as JSON.
  std::string text;
  std::vector<std::string> notes;  ///< One line for each block that is not text.
  ToolVerdict verdict = ToolVerdict::kOk;
};

/// `result_json` is the result of tools/call. kProtocolViolation if it is no JSON object.
Result<RenderedResult> render_result(std::string_view result_json);

/// One line for a JSON-RPC error object: its message and code; something readable for anything
/// else.
std::string peer_error_text(std::string_view error_json);

/// `text` as a JSON string, in quotes. Bytes that are no UTF-8 are replaced.
std::string json_string(std::string_view text);

}  // namespace mcpwire::cli
