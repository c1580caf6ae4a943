// SPDX-License-Identifier: MIT
#include "tools/conformance_client/suite.hpp"

#include <cstdlib>

namespace mcpwire::conformance {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

Result<Suite> suite_of_environment() {
  Suite suite{variable("MCP_CONFORMANCE_SCENARIO"), variable("MCP_CONFORMANCE_PROTOCOL_VERSION"),
              Json::object()};
  if (suite.scenario.empty()) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigMissing,
                "MCP_CONFORMANCE_SCENARIO is not set: the conformance suite starts this program");
  }
  const std::string context = variable("MCP_CONFORMANCE_CONTEXT");
  if (context.empty()) return suite;
  suite.context = Json::parse(context, nullptr, false);
  if (!suite.context.is_object()) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                "MCP_CONFORMANCE_CONTEXT is no JSON object");
  }
  return suite;
}

}  // namespace mcpwire::conformance
