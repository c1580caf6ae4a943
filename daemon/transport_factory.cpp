// SPDX-License-Identifier: MIT
#include "daemon/transport_factory.hpp"

namespace mcpwire::daemon {

std::unique_ptr<io::McpTransport> StdioTransportFactory::create_transport_for_server(
    const pool::ServerSpec& spec) {
  io::StdioTransportOptions options;
  options.server = spec.spawn;
  options.negotiation.identity = spec.identity;
  return std::make_unique<io::StdioTransport>(loop_, spawner_, codec_, std::move(options));
}

}  // namespace mcpwire::daemon
