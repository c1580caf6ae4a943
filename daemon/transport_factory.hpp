// SPDX-License-Identifier: MIT
//
// StdioTransportFactory: gives the pool its transports to servers that are child processes.
// What such a server writes beside the protocol is counted, not logged: it may hold secrets.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp/era_verdicts.hpp"
#include "io/stdio_transport.hpp"
#include "pool/transport_factory.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <memory>

namespace mcpwire::daemon {

class StdioTransportFactory final : public pool::TransportFactory {
 public:
  /// All outlive the factory, which outlives every transport it makes.
  StdioTransportFactory(EventLoop& loop, ProcessSpawner& spawner,
                        io::EraVerdicts& verdicts) noexcept
      : loop_(loop), spawner_(spawner), verdicts_(verdicts) {}

  std::unique_ptr<io::McpTransport> create_transport_for_server(
      const pool::ServerSpec& spec) override;

  const io::LargeLineCounters& large_lines() const noexcept { return codec_.lines.counters; }

 private:
  EventLoop& loop_;
  ProcessSpawner& spawner_;
  io::EraVerdicts& verdicts_;
  io::RpcCodec codec_;
};

}  // namespace mcpwire::daemon
