// SPDX-License-Identifier: MIT
//
// Whether a client can answer what a server asks: by its abilities, and by what the question needs.
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "protocol/json/value.hpp"
#include "protocol/mcp/client_abilities.hpp"

#include <string_view>

namespace mcpwire::io {

/// `params` is the question's raw object, or empty. False for every method that is no question.
bool can_answer(protocol::json::ValueReader& reader, protocol::mcp::ClientAbilities abilities,
                std::string_view method, std::string_view params);

}  // namespace mcpwire::io
