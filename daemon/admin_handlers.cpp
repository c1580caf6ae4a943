// SPDX-License-Identifier: MIT
//
// list_servers, status and shutdown: what the daemon says about itself.
#include "daemon/handlers.hpp"
#include "daemon/request.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/version.hpp"

#include <unistd.h>

#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

std::string build_server_list(const ActiveConfiguration& configuration,
                              const pool::ConnectionPool& pool) {
  protocol::PayloadBuilder<protocol::ListServersReply> reply;
  std::vector<protocol::ServerEntry> entries;
  for (const ConfiguredServer& server : configuration.servers) {
    protocol::ServerEntry entry{};
    entry.name = reply.add(server.name);
    if (server.spec.has_value()) {
      const pool::ServerSnapshot snapshot = pool.snapshot(server.spec->identity);
      entry.state = snapshot.state;
      entry.process_id = snapshot.process_id;
      entry.calls = snapshot.calls;
      entry.detail = reply.add(snapshot.detail);
    } else {
      entry.state = protocol::ServerState::kFailed;
      entry.detail = reply.add(server.spec.error().message());
    }
    entries.push_back(entry);
  }
  reply.fixed.entry_bytes = sizeof(protocol::ServerEntry);
  reply.fixed.entries = reply.add_array(entries);
  return reply.take();
}

std::string build_status(const Services& services) {
  protocol::PayloadBuilder<protocol::StatusReply> reply;
  reply.fixed.daemon_pid = ::getpid();
  reply.fixed.uptime_ns = services.loop.now_ns() - services.facts.started_ns;
  reply.fixed.calls = services.counters.calls;
  reply.fixed.clients = static_cast<std::uint32_t>(services.counters.clients);
  reply.fixed.servers = static_cast<std::uint32_t>(services.pool.active_count());
  reply.fixed.violations = services.counters.violations;
  reply.fixed.refusals = services.counters.refusals;
  reply.fixed.kernel_features = services.facts.kernel_features;
  if (services.large_payloads) reply.fixed.large = services.large_payloads();
  reply.fixed.daemon_version = reply.add(kVersion);
  reply.fixed.runtime_directory = reply.add(services.facts.runtime_directory);
  reply.fixed.io_backend = reply.add(services.facts.io_backend);
  reply.fixed.warning = reply.add(services.facts.warning);
  return reply.take();
}

}  // namespace

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

io::task<Result<void>> serve_list_servers(Session& session, std::uint64_t correlation) {
  Request request(session, protocol::Method::kListServers, correlation);
  const Result<ConfigurationPointer> configuration =
      co_await session.configuration(request.scope());
  if (configuration.has_value()) {
    request.answer_ok(build_server_list(**configuration, session.services().pool));
  } else {
    request.answer_not_started(configuration.error());
  }
  co_return Result<void>{};
}

io::task<Result<void>> serve_status(Session& session, std::uint64_t correlation) {
  Request request(session, protocol::Method::kStatus, correlation);
  request.answer_ok(build_status(session.services()));
  co_return Result<void>{};
}

io::task<Result<void>> serve_shutdown(Session& session, std::uint64_t correlation) {
  Request request(session, protocol::Method::kShutdown, correlation);
  session.services().log.info("shutdown asked for by process " +
                              std::to_string(session.channel().peer_process_id()));
  request.answer_ok({});
  session.services().request_shutdown();
  co_return Result<void>{};
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

}  // namespace mcpwire::daemon
