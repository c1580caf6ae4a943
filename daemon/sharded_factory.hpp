// SPDX-License-Identifier: MIT
//
// ShardedFactory: gives a pool the transport to a server of its own loop, or to the loop that owns
// the server.
//
// Threading: the loop's thread.
#pragma once

#include "daemon/remote_link.hpp"
#include "pool/transport_factory.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace mcpwire::daemon {

/// The one of `shards` loops that owns the server of this identity.
std::size_t owner_of(const std::string& identity, std::size_t shards) noexcept;

class ShardedFactory final : public pool::TransportFactory {
 public:
  /// With null for `places` every server is this loop's own. All of it outlives the factory.
  ShardedFactory(pool::TransportFactory& own_servers, const ShardPlaces* places, std::size_t own)
      : own_servers_(own_servers), places_(places), own_(own) {}

  std::unique_ptr<io::McpTransport> create_transport_for_server(
      const pool::ServerSpec& spec) override;

  /// Transports to servers of other loops that exist now.
  std::size_t remotes() const noexcept { return remotes_; }

 private:
  pool::TransportFactory& own_servers_;
  const ShardPlaces* places_;
  std::size_t own_;
  std::size_t remotes_ = 0;
};

}  // namespace mcpwire::daemon
