// SPDX-License-Identifier: MIT
//
// Offers: what the server has beside tools: resources, templates, prompts, completions. All of it
// is the same for everybody and never changes.
#pragma once

#include "protocol/json/value.hpp"
#include "tools/demo_server/replies.hpp"

#include <string>
#include <string_view>

namespace mcpwire::demo {

/// Answers a request for one of them; `params` is raw and may be empty. False: it is none.
bool answer_offer(protocol::json::ValueReader& reader, std::string& out, const Caller& caller,
                  std::string_view method, std::string_view params);

}  // namespace mcpwire::demo
