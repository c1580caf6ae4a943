// SPDX-License-Identifier: MIT
//
// The JSON-RPC lines that we write to a server, and what we read out of its messages. A line
// without its newline is the body of a POST.
//
// Threading: pure functions; a reader belongs to one thread.
#pragma once

#include "io/detail/rpc_line_queue.hpp"
#include "io/mcp/meta.hpp"
#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

/// {"jsonrpc":"2.0","id":N,"method":..,"params":{..}} and a newline. `params` is an object without
/// `_meta`; if it is empty and so is `meta`, it is left out.
std::string request_line(std::uint64_t id, std::string_view method, std::string_view params,
                         const RequestMeta& meta = {});
/// The same, with `params` at its end where they lie; `*memory` is them. REQUIRES: no line break in
/// them.
RpcLine large_request_line(std::uint64_t id, std::string_view method,
                           std::shared_ptr<const std::string> memory, const RequestMeta& meta);

std::string notification_line(std::string_view method, std::string_view params);
std::string cancelled_line(std::uint64_t request_id, std::string_view reason);

/// Answers to the server's own requests; `raw_id` is the token it sent, `json` a raw object.
std::string result_answer_line(std::string_view raw_id, std::string_view json);
std::string error_answer_line(std::string_view raw_id, std::string_view json);
/// What protocol/mcp/refusal.hpp defines for `method`.
std::string refusal_line(std::string_view raw_id, std::string_view method);

/// The id of a response as a number; nullopt for anything that we cannot have minted ("1", 01, -1).
std::optional<std::uint64_t> minted_id(std::string_view raw_id) noexcept;
/// The same where a server gives our number back as a text: an answer, but not as the specification
/// says. kIdIsText tells the caller.
std::optional<std::uint64_t> quoted_id(std::string_view raw_id) noexcept;
inline constexpr std::string_view kIdIsText = "its id is a text, ours was a number";

struct Progress {
  std::uint64_t token = 0;
  double value = 0;
};
/// nullopt where token or value is not what we could accept.
std::optional<Progress> read_progress(protocol::json::ValueReader& reader, std::string_view params);

}  // namespace mcpwire::io::detail
