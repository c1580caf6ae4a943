// SPDX-License-Identifier: MIT
//
// ServerTransports: gives the pool its transports, by the kind of server: those built in, and those
// that the daemon was given (pool/transport_kind.hpp). What a child process writes beside the
// protocol is counted, not logged: it may hold secrets.
//
// HTTP costs nothing until the first server that needs it: libcurl is loaded then.
//
// Threading: the loop's thread.
#pragma once

#include "io/http/http_client.hpp"
#include "io/loop.hpp"
#include "io/mcp/era_verdicts.hpp"
#include "io/stdio_transport.hpp"
#include "pool/transport_factory.hpp"
#include "pool/transport_kind.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <memory>
#include <string>

namespace mcpwire::daemon {

/// Under which it is kept in which era a server on pipes speaks: its identity and the version of
/// its program's file, so that a program that was replaced is asked anew. The version of what an
/// interpreter runs is not seen: then the verdict proves wrong, or expires.
std::string verdict_key(const pool::ServerSpec& spec, FileSystem& files);

class ServerTransports final : public pool::TransportFactory {
 public:
  /// All outlive the factory, which outlives every transport it makes. `kinds` are those beside
  /// what is built in.
  ServerTransports(io::Loop& loop, ProcessSpawner& spawner, FileSystem& files,
                   io::EraVerdicts& verdicts, pool::TransportKinds kinds) noexcept
      : loop_(loop), spawner_(spawner), files_(files), verdicts_(verdicts), kinds_(kinds) {}

  std::unique_ptr<io::McpTransport> create_transport_for_server(
      const pool::ServerSpec& spec) override;

  const io::LargeLineCounters& large_lines() const noexcept { return codec_.lines.counters; }

 private:
  std::unique_ptr<io::McpTransport> create_stdio(const pool::ServerSpec& spec);
  std::unique_ptr<io::McpTransport> create_http(const pool::ServerSpec& spec);
  std::unique_ptr<io::McpTransport> create_plugged(const pool::ServerSpec& spec);
  io::HttpClient& ensure_http_client();

  io::Loop& loop_;
  ProcessSpawner& spawner_;
  FileSystem& files_;
  io::EraVerdicts& verdicts_;
  pool::TransportKinds kinds_;
  io::RpcCodec codec_;
  std::unique_ptr<io::HttpClient> http_client_;
};

}  // namespace mcpwire::daemon
