// SPDX-License-Identifier: MIT
//
// The JSON-RPC lines that we write to a server, and what we read out of its messages. All of MCP's
// method names that a transport itself needs stand here.
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

inline constexpr std::string_view kInitialize = "initialize";
inline constexpr std::string_view kInitialized = "notifications/initialized";
inline constexpr std::string_view kProgress = "notifications/progress";
inline constexpr std::string_view kPing = "ping";

/// {"jsonrpc":"2.0","id":N,"method":..,"params":{..}} and a newline. Empty `params` are left out.
std::string request_line(std::uint64_t id, std::string_view method, std::string_view params);
std::string notification_line(std::string_view method, std::string_view params);
std::string cancelled_line(std::uint64_t request_id, std::string_view reason);

/// Answers to the server's own requests; `raw_id` is the token it sent.
std::string ping_answer_line(std::string_view raw_id);
std::string not_found_answer_line(std::string_view raw_id, std::string_view method);

/// `params` with `_meta.progressToken` set to `token`: added to an existing _meta, or in place of
/// the token that is there. Empty `params` count as {}. Errors: kInvalid where params or _meta is
/// not an object.
Result<std::string> with_progress_token(protocol::json::ValueReader& reader,
                                        std::string_view params, std::uint64_t token);

/// The id of a response as a number; nullopt for anything that we cannot have minted ("1", 01, -1).
std::optional<std::uint64_t> minted_id(std::string_view raw_id) noexcept;

struct Progress {
  std::uint64_t token = 0;
  double value = 0;
};
/// nullopt where token or value is not what we could accept.
std::optional<Progress> read_progress(protocol::json::ValueReader& reader, std::string_view params);

/// The message and the code of a raw JSON-RPC error object, or `error` itself where it has none.
std::string read_error_text(protocol::json::ValueReader& reader, std::string_view error);

/// Params of our `initialize`: the newest revision of the handshake era, no capabilities.
std::string initialize_params();

/// What the server answered. Errors: kHandshakeFailed, naming a revision that we do not speak.
Result<ServerInfo> read_initialize_result(protocol::json::ValueReader& reader,
                                          std::string_view result);

/// Only this revision has JSON-RPC batches.
inline constexpr std::string_view kBatchRevision = "2025-03-26";

}  // namespace mcpwire::io::detail
