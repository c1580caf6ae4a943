// SPDX-License-Identifier: MIT
//
// send_to_server: one request of a client, from the name of its server to the server's answer.
// Opens the server if need be, sends what provably did not leave again, and what is safe to repeat
// once more after its server was lost; a tool call never.
//
// Threading: the loop's thread.
#pragma once

#include "daemon/request.hpp"
#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/rpc_params.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

/// W3C trace context as the client sent it; a trace id of zero: none.
struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> parent_span_id{};
  std::uint8_t trace_flags = 0;
};

/// A request as the client sent it.
struct ServerCall {
  std::string server;
  const protocol::mcp::MethodFacts* method = nullptr;  ///< Never null.
  std::string params;  ///< A validated JSON object without `_meta`, or empty.
  /// Instead of `params`, where they are large: all that handle them share them.
  std::shared_ptr<const std::string> large_params = nullptr;
  std::string meta;  ///< A validated JSON object, or empty.
  std::uint64_t deadline_ns = 0;
  protocol::mcp::ClientAbilities abilities;
  protocol::Pages pages = protocol::Pages::kOne;

  std::string_view all_params() const noexcept { return large_params ? *large_params : params; }
};

/// Is `text` one JSON object? `what` names it in the error (kMalformedJson, kArgumentsNotObject).
Result<void> check_object(protocol::json::ValueReader& reader, std::string_view text,
                          std::string_view what);

/// The caller's `_meta` with the trace context in it, unless it has one of its own. Both may be
/// empty. REQUIRES: `meta` is validated.
Result<std::string> build_meta(protocol::json::ValueReader& reader, std::string_view meta,
                               const TraceContext& trace);

/// A failure: nothing was sent. REQUIRES: request and call outlive the task.
io::task<Result<io::RpcReply>> send_to_server(
    Request& request,
    const ServerCall& call);  // outlives: its callers await in the same expression

/// Answers the request with what became of it.
void answer_with(Request& request, const Result<io::RpcReply>& reply);

}  // namespace mcpwire::daemon
