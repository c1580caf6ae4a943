// SPDX-License-Identifier: MIT
#include "daemon/configuration_loader.hpp"

#include "daemon/config/approvals.hpp"
#include "daemon/config/load.hpp"
#include "daemon/config/paths.hpp"
#include "daemon/config/resolve.hpp"
#include "io/http/curl_client.hpp"
#include "protocol/base/sha256.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace mcpwire::daemon {
namespace {

pool::ServerKind kind_of(config::ServerType type) noexcept {
  switch (type) {
    case config::ServerType::kStdio:
      break;
    case config::ServerType::kStreamableHttp:
      return pool::ServerKind::kStreamableHttp;
    case config::ServerType::kSse:
      return pool::ServerKind::kSse;
    case config::ServerType::kOther:
      return pool::ServerKind::kPlugged;
  }
  return pool::ServerKind::kStdio;
}

template <class Number>
void set_limit(Number& value, const config::Limits& limits, config::LimitKey key) noexcept {
  static_assert(sizeof(Number) == sizeof(std::uint64_t));
  value = limits.get(key).value_or(value);
}

void set_limits(pool::ServerSpec& spec, const config::Limits& limits) noexcept {
  using enum config::LimitKey;
  set_limit(spec.limits.line_bytes_max, limits, kLineBytes);
  set_limit(spec.limits.queue_bytes_max, limits, kQueueBytes);
  set_limit(spec.limits.junk_lines_max, limits, kJunkLines);
  set_limit(spec.limits.stderr_bytes_max, limits, kStderrBytes);
  set_limit(spec.limits.message_bytes_max, limits, kMessageBytes);
  set_limit(spec.limits.header_bytes_max, limits, kHeaderBytes);
  set_limit(spec.spawn.limits.open_files, limits, kOpenFiles);
  set_limit(spec.spawn.limits.address_space_bytes, limits, kAddressSpaceBytes);
  set_limit(spec.spawn.limits.memory_bytes, limits, kMemoryBytes);
  set_limit(spec.spawn.limits.cpu_seconds, limits, kCpuSeconds);
  set_limit(spec.spawn.limits.processes, limits, kProcesses);
}

pool::ServerSpec spec_of(config::ResolvedServer server) {
  pool::ServerSpec spec;
  spec.identity = hex_of(server.identity);
  spec.name = std::move(server.name);
  spec.kind = kind_of(server.type);
  spec.spawn = std::move(server.process);
  if (spec.kind == pool::ServerKind::kPlugged) {
    spec.plugged = {std::move(server.type_name), std::move(server.settings),
                    std::move(server.secrets)};
  } else {
    config::HttpRoute& route = server.route;
    spec.http = {std::move(server.url),
                 std::move(server.headers),
                 std::move(server.secrets),
                 {std::move(route.proxy), std::move(route.no_proxy), std::move(route.ca_file)}};
  }
  spec.pinned_revision = server.revision;
  spec.pinned_era = server.era;
  set_limits(spec, server.limits);
  // A server that states how long it may be silent means its start as well.
  if (server.timeout_ns != 0) spec.open_timeout_ns = server.timeout_ns;
  return spec;
}

/// Whether this daemon has that kind of server, and what the kind says of its settings.
Result<void> check_plugged(const pool::ServerSpec& spec, pool::TransportKinds kinds) {
  if (spec.kind != pool::ServerKind::kPlugged) return {};
  const pool::TransportKind* const kind = pool::find_kind(kinds, spec.plugged.type);
  if (kind != nullptr) return kind->check(spec.plugged);
  std::string types = R"("stdio", "http", "streamable-http" or "sse")";
  for (const pool::TransportKind* const other : kinds) {
    types.insert(0, '"' + std::string(other->type()) + "\", ");
  }
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid, "type must be " + types);
}

/// The server as the pool knows it, or why it cannot be used.
Result<pool::ServerSpec> usable(config::ResolvedServer resolved, const std::string& path,
                                pool::TransportKinds kinds) {
  // Here on the helper thread: it takes longer than the loop may stand still. What is wrong with
  // it is told where the server is used.
  const bool is_by_http = resolved.type == config::ServerType::kStreamableHttp ||
                          resolved.type == config::ServerType::kSse;
  if (is_by_http) static_cast<void>(io::CurlClient::load());
  pool::ServerSpec spec = spec_of(std::move(resolved));
  const Result<void> checked = check_plugged(spec, kinds);
  if (checked.has_value()) return spec;
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
              path + ": server '" + spec.name + "': " + checked.error().message());
}

}  // namespace

Result<ActiveConfiguration> load_active_configuration(FileSystem& files,
                                                      const ConfigurationKey& key,
                                                      std::uint32_t own_uid,
                                                      pool::TransportKinds kinds) {
  config::LoadedConfiguration loaded = TRY(config::load_configuration(files, key.path, own_uid));
  const config::CallerContext caller{config::parse_environment_block(key.environment),
                                     loaded.directory};
  std::optional<config::Approvals> approvals;
  if (key.origin == protocol::ConfigOrigin::kDiscovered) {
    approvals = TRY(
        config::Approvals::load(files, TRY(config::approvals_path(caller.environment)), own_uid));
  }

  ActiveConfiguration active;
  active.identity = loaded.identity;
  for (const config::ServerConfig& server : loaded.configuration.servers) {
    if (approvals.has_value() && !approvals->is_approved(server, loaded.directory)) {
      active.servers.push_back(
          {server.name, fail(config::unapproved_error(server.name, key.path)), 0});
      continue;
    }
    Result<config::ResolvedServer> resolved = config::resolve(server, caller, files);
    if (!resolved.has_value()) {
      active.servers.push_back({server.name, fail(std::move(resolved).error()), 0});
      continue;
    }
    active.servers.push_back(
        {server.name, usable(*std::move(resolved), key.path, kinds), server.timeout_ns});
  }
  for (config::Problem& problem : loaded.configuration.problems) {
    active.servers.push_back({std::move(problem.server), fail(std::move(problem.error)), 0});
  }
  return active;
}

}  // namespace mcpwire::daemon
