// SPDX-License-Identifier: MIT
//
// The client's requests as payloads, and the daemon's replies as values.
// Threading: pure functions.
#pragma once

#include "client/types.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::client::detail {

std::string encode_call(const CallRequest& request);
std::string encode_list_tools(std::string_view server, std::uint32_t concurrency,
                              std::uint64_t deadline_ns);

// kInvalid/kProtocolViolation for a payload that breaks the rules of protocol/params.hpp.

Result<std::vector<ServerSummary>> decode_servers(ByteSpan payload);
Result<ToolsListing> decode_tools(ByteSpan payload);
Result<DaemonStatus> decode_status(ByteSpan payload);

/// The reply that an answer frame stands for.
CallReply decode_reply(protocol::Outcome outcome, Body payload);

}  // namespace mcpwire::client::detail
