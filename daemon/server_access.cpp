// SPDX-License-Identifier: MIT
#include "daemon/server_access.hpp"

#include <utility>

namespace mcpwire::daemon {

Result<FoundServer> find_server(ConfigurationPointer configuration, std::string_view name) {
  const ConfiguredServer* server = TRY(configuration->find(name));
  if (!server->spec.has_value()) return fail(server->spec.error());
  return FoundServer{std::move(configuration), server};
}

// Pool, found server and scope live in frames that await this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<pool::Lease>> lease_server(
    pool::ConnectionPool& pool,
    const FoundServer& found,  // outlives: its callers await in the same expression
    io::CancelScope& scope) {
  const pool::ServerSpec& spec = *found.server->spec;
  pool::Lease warm = pool.try_get(spec.identity);
  if (warm) co_return std::move(warm);
  Result<pool::Lease> opened = co_await pool.get(spec, scope);
  if (!opened.has_value()) {
    // The pool knows identities; the user knows the name. What the server did wrong is no fault of
    // the request: for the caller such a server is simply gone.
    const Error& why = opened.error();
    const ErrorKind kind = why.kind == ErrorKind::kInvalid ? ErrorKind::kDisconnected : why.kind;
    Error named =
        Error::with_detail(kind, why.code, "server '" + found.server->name + "': " + why.message());
    co_return fail(std::move(named));
  }
  co_return std::move(opened);
}

}  // namespace mcpwire::daemon
