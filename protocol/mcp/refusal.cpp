// SPDX-License-Identifier: MIT
#include "protocol/mcp/refusal.hpp"

#include "protocol/mcp/error_codes.hpp"
#include "protocol/mcp/method.hpp"

namespace mcpwire::protocol::mcp {

Refusal refusal_of(std::string_view method) noexcept {
  if (method == kPing) return {.result_json = "{}"};
  // The specification's own words for a user who says no.
  if (method == kSampling) {
    return {.error_code = kUserRejected, .error_message = "User rejected sampling request"};
  }
  if (method == kElicitation) return {.result_json = R"({"action":"decline"})"};
  if (method == kRootsList) return {.result_json = R"({"roots":[]})"};
  return {.error_code = kMethodNotFound, .error_message = "Method not found"};
}

}  // namespace mcpwire::protocol::mcp
