// SPDX-License-Identifier: MIT
#include "daemon/transport_factory.hpp"

namespace mcpwire::daemon {

std::unique_ptr<io::McpTransport> StdioTransportFactory::create_transport_for_server(
    const pool::ServerSpec& spec) {
  io::StdioTransportOptions options;
  options.server = spec.spawn;
  options.limits = spec.limits;
  options.negotiation.identity = spec.identity;
  options.negotiation.pinned_revision = spec.pinned_revision;
  options.negotiation.pinned_era = spec.pinned_era;
  options.negotiation.verdicts = &verdicts_;
  return std::make_unique<io::StdioTransport>(loop_, spawner_, codec_, std::move(options));
}

}  // namespace mcpwire::daemon
