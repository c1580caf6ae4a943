// SPDX-License-Identifier: MIT
//
// Refusal: what a server is told when it asks something that nobody here can answer, or whose owner
// is ambiguous. It must end the server's request without making it believe that a person agreed.
//
// Threading: pure functions.
#pragma once

#include <string_view>

namespace mcpwire::protocol::mcp {

/// Either a result or an error.
struct Refusal {
  std::string_view result_json;  ///< Raw object; empty: an error.
  int error_code = 0;
  std::string_view error_message;  ///< Plain text.
};

/// The answer to a server's request for `method`. A ping is no refusal but stands here too: it is
/// answered without asking anybody.
Refusal refusal_of(std::string_view method) noexcept;

}  // namespace mcpwire::protocol::mcp
