// SPDX-License-Identifier: MIT
//
// The reserved keys of `_meta` that mcpwire writes or reads. All other keys pass through untouched.
#pragma once

#include <string_view>

namespace mcpwire::protocol::mcp {

inline constexpr std::string_view kMetaProtocolVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaClientCapabilities =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaSubscriptionId = "io.modelcontextprotocol/subscriptionId";
inline constexpr std::string_view kMetaProgressToken = "progressToken";

}  // namespace mcpwire::protocol::mcp
