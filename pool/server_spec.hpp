// SPDX-License-Identifier: MIT
//
// ServerSpec: everything needed to start or reach one MCP server, and the identity that decides who
// shares it. Two configurations that resolve to the same identity use the same connection.
#pragma once

#include "io/http/endpoint.hpp"
#include "io/transport_limits.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/spawn_request.hpp"
#include "protocol/mcp/revision.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::pool {

/// `npx` downloads on its first run; a server that needs longer says so with `timeout`.
inline constexpr std::uint64_t kOpenTimeoutNs = 60 * kNanosecondsPerSecond;

enum class ServerKind : std::uint8_t {
  kStdio,           ///< A child process: `spawn`.
  kStreamableHttp,  ///< `http`; falls back to kSse where the server knows nothing newer.
  kSse,             ///< `http`, with the transport of 2024-11-05.
  kPlugged,         ///< `plugged`: one of pool/transport_kind.hpp.
};

/// A server of a kind that is not built in, as its configuration describes it.
struct PluggedServer {
  std::string type;  ///< TransportKind::type().
  /// Key and value, sorted by key, variables put in.
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::string> secrets;  ///< NAME=value of what was put in: shown in no message.

  /// Null: the key is not there.
  const std::string* find(std::string_view key) const noexcept {
    for (const auto& [name, value] : settings) {
      if (name == key) return &value;
    }
    return nullptr;
  }
};

struct ServerSpec {
  std::string identity;  ///< Hash over all below but open_timeout_ns.
  std::string name;      ///< As the configuration that first asked for it calls it; for people.
  ServerKind kind = ServerKind::kStdio;
  SpawnRequest spawn;
  io::HttpEndpoint http;
  PluggedServer plugged;
  /// Nothing: negotiated.
  std::optional<protocol::mcp::Revision> pinned_revision;
  std::optional<protocol::mcp::Era> pinned_era;
  io::TransportLimits limits;
  /// For the spawn and the handshake together, in nanoseconds.
  std::uint64_t open_timeout_ns = kOpenTimeoutNs;
};

}  // namespace mcpwire::pool
