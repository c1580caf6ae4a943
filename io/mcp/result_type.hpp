// SPDX-License-Identifier: MIT
//
// Of which kind a modern result is. Nearly all are complete and say so at their beginning or end,
// where it is seen without a second pass over them.
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "protocol/mcp/revision.hpp"

#include <string>
#include <string_view>

namespace mcpwire::io {

/// Which kinds of result a request may have.
struct ResultRules {
  bool has_kinds = false;  ///< The revision knows kinds at all.
  bool may_need_input = false;
  bool may_be_task = false;
};

ResultRules result_rules(protocol::mcp::Revision revision, std::string_view method,
                         protocol::mcp::ClientAbilities abilities) noexcept;

/// Sets the kind of a kOk reply. A result of a kind that this request cannot have is none: the
/// reply becomes kUnknown, because the request was received, and its error names the kind.
void apply_result_rules(protocol::json::ValueReader& reader, ResultRules rules, RpcReply& reply);

/// Empty for an object, else a sentence that says what `result`, a raw valid value, is instead.
std::string why_no_object(std::string_view result);

/// MCP's results are objects: a kOk reply with another one becomes kUnknown. null passes: it is
/// what some servers have for "nothing to say".
void require_object(RpcReply& reply);

}  // namespace mcpwire::io
