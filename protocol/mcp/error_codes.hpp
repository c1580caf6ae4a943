// SPDX-License-Identifier: MIT
//
// The error codes of JSON-RPC and MCP that mcpwire sends or reads. What is not listed here means
// nothing in particular: legacy servers use the codes of their SDK for anything.
#pragma once

namespace mcpwire::protocol::mcp {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;

// Modern, of the specification's own range.
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingClientCapability = -32021;  ///< data: {requiredCapabilities: {...}}
inline constexpr int kUnsupportedVersion = -32022;       ///< data: {supported: [...], requested}

// Legacy only; a modern peer never sends them.
inline constexpr int kLegacyResourceNotFound = -32002;
inline constexpr int kLegacyUrlElicitationRequired = -32042;

/// What a client answers to a sampling request that its user did not allow.
inline constexpr int kUserRejected = -1;

}  // namespace mcpwire::protocol::mcp
