// SPDX-License-Identifier: MIT
//
// list_tools: the tools of one server or of all of a configuration, asked side by side.
#include "daemon/call_limits.hpp"
#include "daemon/handlers.hpp"
#include "daemon/hidden_secrets.hpp"
#include "daemon/request.hpp"
#include "daemon/server_access.hpp"
#include "daemon/tool_catalogue.hpp"
#include "io/sleep.hpp"
#include "parallel/discovery.hpp"
#include "protocol/payload_codec.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

struct ListRequest {
  std::string server;  ///< Empty: all.
  std::uint64_t deadline_ns = 0;
  std::size_t concurrency = 0;
};

Result<ListRequest> parse_list(std::string_view payload) {
  const protocol::PayloadReader reader(as_bytes(payload));
  const auto fixed = TRY(reader.fixed<protocol::ListToolsRequest>());
  return ListRequest{std::string(TRY(reader.text(fixed.server))), fixed.deadline_ns,
                     fixed.concurrency};
}

/// Asks one server; the callable that list_tools_parallel runs.
struct ListOneServer {
  Services* services;
  ConfigurationPointer configuration;
  std::uint64_t deadline_ns;

  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<std::string>> operator()(const std::string& name, io::CancelScope& scope) const {
    const Result<FoundServer> found = find_server(configuration, name);
    if (!found.has_value()) co_return fail(found.error());
    io::CancelScope own_scope(scope);
    io::DeadlineTimer deadline(services->loop, own_scope);
    const CallLimits limits =
        call_limits(services->loop.now_ns(), deadline_ns, found->server->timeout_ns);
    if (deadline_ns != 0) deadline.set(deadline_ns);
    Result<pool::Lease> lease = co_await lease_server(services->pool, *found, own_scope);
    if (!lease.has_value()) co_return fail(std::move(lease).error());
    Result<std::string> tools = co_await fetch_tools(
        lease->transport(),
        {&own_scope, limits.deadline_ns, limits.inactivity_ns, nullptr, nullptr});
    if (!tools.has_value()) co_return fail(hide_secrets(*found->server->spec, tools.error()));
    co_return std::move(tools);
  }
};

std::string build_reply(const parallel::ToolListing& listing) {
  protocol::PayloadBuilder<protocol::ListToolsReply> reply;
  std::vector<protocol::ToolsEntry> successes;
  for (const parallel::ServerTools& server : listing.successes) {
    successes.push_back(
        {reply.add(server.server), reply.add(server.tools_json), server.duration_ns});
  }
  std::vector<protocol::FailureEntry> failures;
  for (const parallel::ServerFailure& server : listing.failures) {
    failures.push_back({reply.add(server.server), reply.add(server.error.message()),
                        static_cast<std::uint32_t>(server.error.kind),
                        static_cast<std::uint32_t>(server.error.code), server.duration_ns});
  }
  reply.fixed.success_bytes = sizeof(protocol::ToolsEntry);
  reply.fixed.failure_bytes = sizeof(protocol::FailureEntry);
  reply.fixed.successes = reply.add_array(successes);
  reply.fixed.failures = reply.add_array(failures);
  return reply.take();
}

Result<std::vector<std::string>> names_of(const ActiveConfiguration& configuration,
                                          const std::string& only) {
  if (!only.empty()) {
    TRY(configuration.find(only));
    return std::vector<std::string>{only};
  }
  std::vector<std::string> names;
  for (const ConfiguredServer& server : configuration.servers) names.push_back(server.name);
  return names;
}

// The request lives in serve_list_tools' frame.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<std::string>> list_tools(Request& request, std::string payload) {
  Session& session = request.session();
  Services& services = session.services();
  const Result<ListRequest> asked = parse_list(payload);
  if (!asked.has_value()) co_return fail(asked.error());
  Result<ConfigurationPointer> configuration = co_await session.configuration(request.scope());
  if (!configuration.has_value()) co_return fail(std::move(configuration).error());
  Result<std::vector<std::string>> names = names_of(**configuration, asked->server);
  if (!names.has_value()) co_return fail(std::move(names).error());

  // The daemon's executor bounds all clients together; a caller may ask for its own limit.
  std::optional<parallel::ParallelExecutor> own;
  if (asked->concurrency != 0) own.emplace(services.loop, asked->concurrency);
  parallel::ParallelExecutor& executor = own.has_value() ? *own : services.executor;
  const ListOneServer list_one{&services, *configuration, asked->deadline_ns};
  const parallel::ToolListing listing = co_await parallel::list_tools_parallel(
      request.scope(), *std::move(names), list_one, executor);
  co_return build_reply(listing);
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> serve_list_tools(Session& session, std::uint64_t correlation,
                                        std::string payload) {
  Request request(session, protocol::Method::kListTools, correlation, payload.size());
  const Result<std::string> reply = co_await list_tools(request, std::move(payload));
  if (!reply.has_value()) {
    request.answer_not_started(reply.error());
  } else if (request.scope().is_cancelled()) {
    request.answer_not_started(io::error_of(request.scope().cause()));
  } else {
    request.answer_ok(*reply);
  }
  co_return Result<void>{};
}

}  // namespace mcpwire::daemon
