// SPDX-License-Identifier: MIT
//
// TransportFactory: where the pool gets its transports from, so that new kinds of server and the
// fakes of the tests need no change in the pool.
#pragma once

#include "io/mcp_transport.hpp"
#include "pool/server_spec.hpp"

#include <memory>

namespace mcpwire::pool {

class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  /// A transport that is not open yet. Never null.
  virtual std::unique_ptr<io::McpTransport> create_transport_for_server(const ServerSpec& spec) = 0;
};

}  // namespace mcpwire::pool
