// SPDX-License-Identifier: MIT
//
// What the conformance suite of MCP tells the client under test: its environment variables
// MCP_CONFORMANCE_*, and the URL of a scenario's server as the only argument.
//
// Threading: values.
#pragma once

#include "protocol/base/result.hpp"
#include "tools/conformance_client/detail/json.hpp"

#include <string>

namespace mcpwire::conformance {

struct Suite {
  std::string scenario;
  /// The revision that the scenario's server speaks. Not told to the daemon: it finds out.
  std::string protocol_version;
  Json context;  ///< What some scenarios want done; an object.
};

/// kConfiguration where a variable is missing or malformed.
Result<Suite> suite_of_environment();

}  // namespace mcpwire::conformance
