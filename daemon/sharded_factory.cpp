// SPDX-License-Identifier: MIT
#include "daemon/sharded_factory.hpp"

#include "daemon/remote_transport.hpp"

#include <functional>

namespace mcpwire::daemon {

std::size_t owner_of(const std::string& identity, std::size_t shards) noexcept {
  return std::hash<std::string>{}(identity) % shards;
}

std::unique_ptr<io::McpTransport> ShardedFactory::create_transport_for_server(
    const pool::ServerSpec& spec) {
  const std::size_t owner = places_ == nullptr ? own_ : owner_of(spec.identity, places_->size());
  if (owner == own_) return own_servers_.create_transport_for_server(spec);
  return std::make_unique<RemoteTransport>(*places_, own_, owner, spec, remotes_);
}

}  // namespace mcpwire::daemon
