// SPDX-License-Identifier: MIT
//
// The client's requests as payloads, and the daemon's replies as values.
// Threading: pure functions.
#pragma once

#include "client/types.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/mcp/client_abilities.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::client::detail {

std::string encode_call(const CallRequest& request, protocol::mcp::ClientAbilities abilities = {});
std::string encode_request(const McpRequest& request, protocol::mcp::ClientAbilities abilities);
std::string encode_answer(std::uint64_t correlation, std::uint64_t key, const ServerAnswer& answer);
/// The params of subscriptions/listen.
std::string listen_params(const ListenRequest& request);
std::string encode_list_tools(std::string_view server, std::uint32_t concurrency,
                              std::uint64_t deadline_ns);

// kInvalid/kProtocolViolation for a payload that breaks the rules of protocol/params.hpp.

Result<std::vector<ServerSummary>> decode_servers(ByteSpan payload);
Result<ToolsListing> decode_tools(ByteSpan payload);
Result<DaemonStatus> decode_status(ByteSpan payload);

/// The views point into the payload.
Result<ServerQuestion> decode_question(ByteSpan payload);
Result<Notification> decode_notification(ByteSpan payload);

/// The reply that an answer frame stands for.
CallReply decode_reply(protocol::Outcome outcome, Body payload);

}  // namespace mcpwire::client::detail
