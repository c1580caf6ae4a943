// SPDX-License-Identifier: MIT
//
// Results of everything but tools, as text: resources, prompts, completions, notifications. What
// servers wrote comes out as it is (tools/mcpwire/output.hpp escapes it).
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::cli {

struct ItemLine {
  std::string name;     ///< What the next command takes: a URI, a template, a prompt.
  std::string summary;  ///< First line of the description, else the title or name.
};

/// The entries of `key` in `result_json`, named by their `name_key`. kProtocolViolation if there is
/// no such array.
Result<std::vector<ItemLine>> item_lines(std::string_view result_json, const char* key,
                                         const char* name_key);

/// One part of a resource.
struct Contents {
  std::string bytes;  ///< Of a blob decoded.
  std::string type;   ///< Empty: unknown.
  bool is_text = true;
};
/// What resources/read gave. kProtocolViolation: no contents, or a blob that is no base64.
Result<std::vector<Contents>> resource_contents(std::string_view result_json);

/// What prompts/get gave: each message with its role in front.
Result<std::string> prompt_text(std::string_view result_json);

/// What completion/complete gave, a value per line.
Result<std::string> completion_lines(std::string_view result_json);

/// One line for the params of notifications/progress, and of notifications/message.
std::string progress_text(std::string_view params_json);
std::string message_text(std::string_view params_json);

}  // namespace mcpwire::cli
