// SPDX-License-Identifier: MIT
//
// list_servers, status and shutdown: what the daemon says about itself.
#include "daemon/handlers.hpp"
#include "daemon/neighbours.hpp"
#include "daemon/request.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/version.hpp"

#include <unistd.h>

#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

/// Of each server that can be used, in order. Those of other loops are asked for there.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<std::vector<pool::ServerSnapshot>> look_at_servers(Services& services,
                                                            ConfigurationPointer configuration) {
  std::vector<pool::ServerSnapshot> snapshots;
  for (const ConfiguredServer& server : configuration->servers) {
    if (!server.spec.has_value()) continue;
    if (services.neighbours == nullptr) {
      snapshots.push_back(services.pool.snapshot(server.spec->identity));
    } else {
      pool::ServerSnapshot snapshot = co_await services.neighbours->snapshot(server.spec->identity);
      snapshots.push_back(std::move(snapshot));
    }
  }
  co_return snapshots;
}

std::string build_server_list(const ActiveConfiguration& configuration,
                              const std::vector<pool::ServerSnapshot>& snapshots) {
  auto next = snapshots.begin();
  protocol::PayloadBuilder<protocol::ListServersReply> reply;
  std::vector<protocol::ServerEntry> entries;
  for (const ConfiguredServer& server : configuration.servers) {
    protocol::ServerEntry entry{};
    entry.name = reply.add(server.name);
    if (server.spec.has_value()) {
      const pool::ServerSnapshot& snapshot = *next++;
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

DaemonTotals totals_of(const Services& services) {
  if (services.totals) return services.totals();
  return {.calls = services.counters.calls,
          .clients = services.counters.clients,
          .servers = services.pool.active_count(),
          .violations = services.counters.violations,
          .refusals = services.counters.refusals};
}

/// Each with its buckets in front of it.
void add_loops(protocol::PayloadBuilder<protocol::StatusReply>& reply,
               const std::vector<LoopTotals>& loops) {
  std::vector<protocol::LoopEntry> entries;
  for (const LoopTotals& loop : loops) {
    std::vector<protocol::LagBucket> buckets;
    for (const auto& bucket : loop.lag.buckets) buckets.push_back({bucket.largest, bucket.count});
    entries.push_back(
        {loop.turns, loop.system_calls, loop.calls, loop.lag.max, reply.add_array(buckets)});
  }
  reply.fixed.loops = reply.add_array(entries);
  reply.fixed.loop_bytes = sizeof(protocol::LoopEntry);
  reply.fixed.lag_bucket_bytes = sizeof(protocol::LagBucket);
}

std::string build_status(const Services& services, const DaemonTotals& totals) {
  protocol::PayloadBuilder<protocol::StatusReply> reply;
  reply.fixed.daemon_pid = ::getpid();
  reply.fixed.uptime_ns = services.loop.now_ns() - services.facts.started_ns;
  reply.fixed.calls = totals.calls;
  reply.fixed.clients = static_cast<std::uint32_t>(totals.clients);
  reply.fixed.servers = static_cast<std::uint32_t>(totals.servers);
  reply.fixed.violations = totals.violations;
  reply.fixed.refusals = totals.refusals;
  reply.fixed.shards = services.facts.shards;
  reply.fixed.kernel_features = services.facts.kernel_features;
  reply.fixed.large = totals.large;
  reply.fixed.daemon_version = reply.add(kVersion);
  reply.fixed.runtime_directory = reply.add(services.facts.runtime_directory);
  reply.fixed.io_backend = reply.add(services.facts.io_backend);
  reply.fixed.warning = reply.add(services.facts.warning);
  add_loops(reply, totals.loops);
  return reply.take();
}

}  // namespace

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)

io::task<Result<void>> serve_list_servers(Session& session, std::uint64_t correlation) {
  Request request(session, protocol::Method::kListServers, correlation);
  const Result<ConfigurationPointer> configuration =
      co_await session.configuration(request.scope());
  if (configuration.has_value()) {
    const std::vector<pool::ServerSnapshot> snapshots =
        co_await look_at_servers(session.services(), *configuration);
    request.answer_ok(build_server_list(**configuration, snapshots));
  } else {
    request.answer_not_started(configuration.error());
  }
  co_return Result<void>{};
}

io::task<Result<void>> serve_status(Session& session, std::uint64_t correlation) {
  Request request(session, protocol::Method::kStatus, correlation);
  const Services& services = session.services();
  DaemonTotals totals;
  if (services.neighbours == nullptr) {
    totals = totals_of(services);
  } else {
    totals = co_await services.neighbours->totals();
  }
  request.answer_ok(build_status(services, totals));
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
