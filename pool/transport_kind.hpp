// SPDX-License-Identifier: MIT
//
// TransportKind: a kind of server beyond those built in, brought along by whoever builds the
// daemon: what `type` calls it in a configuration, and how a transport to it is made. Nothing in
// pool/ or daemon/ knows one by name; daemon/options.hpp is where they are listed.
//
// Threading: a kind is shared by all loops and by the helper threads that read configurations, so
// it holds nothing that changes.
#pragma once

#include "io/mcp_transport.hpp"
#include "pool/server_spec.hpp"
#include "protocol/base/result.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace mcpwire {
class ProcessSpawner;
}

namespace mcpwire::io {
class EraVerdicts;
class Loop;
struct RpcCodec;
}  // namespace mcpwire::io

namespace mcpwire::pool {

/// What a transport may use of the loop that it lives on. All of it outlives the transport.
struct TransportSurroundings {
  io::Loop& loop;
  ProcessSpawner& spawner;
  io::RpcCodec& codec;
  io::EraVerdicts& verdicts;
};

class TransportKind {
 public:
  virtual ~TransportKind() = default;

  /// The value of `type`. None of those built in.
  virtual std::string_view type() const noexcept = 0;

  /// What is wrong with a server as it is configured, if anything: a text that names the key and
  /// shows no value. On a helper thread; may look at the file system.
  virtual Result<void> check(const PluggedServer& server) const = 0;

  /// A transport that is not open yet, to a server that check() has passed. Never null.
  virtual std::unique_ptr<io::McpTransport> create_transport(
      const ServerSpec& spec, const TransportSurroundings& surroundings) const = 0;
};

/// Kinds and list outlive whoever is given them.
using TransportKinds = std::span<const TransportKind* const>;

/// Null: there is none of that type.
inline const TransportKind* find_kind(TransportKinds kinds, std::string_view type) noexcept {
  for (const TransportKind* const kind : kinds) {
    if (kind->type() == type) return kind;
  }
  return nullptr;
}

}  // namespace mcpwire::pool
