// SPDX-License-Identifier: MIT
//
// What a person or a program would say: arguments that fit a tool's schema, and answers to what a
// server asks.
//
// Threading: pure functions.
#pragma once

#include "client/types.hpp"
#include "tools/conformance_client/detail/json.hpp"

#include <string_view>

namespace mcpwire::conformance {

/// All required properties of the schema, each with a value of its type.
Json arguments_for(const Json& input_schema);

/// Elicitation: accepted, with the default of each field that has one, and a value of its type for
/// each other one. Sampling: a short text. Roots: none. Anything else is refused.
client::ServerAnswer answer_to(std::string_view method, std::string_view params_json);

}  // namespace mcpwire::conformance
