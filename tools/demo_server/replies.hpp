// SPDX-License-Identifier: MIT
//
// Replies: the lines this server writes, each appended to the output with its newline.
#pragma once

#include "protocol/json/writer.hpp"
#include "tools/demo_server/revision.hpp"

#include <string>
#include <string_view>

namespace mcpwire::demo {

inline constexpr std::string_view kServerName = "mcpwire-demo-server";

/// JSON-RPC's codes and MCP's.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kUnsupportedVersion = -32022;

/// Who asked, and in which revision. `id` is the raw token and valid while the request is handled.
struct Caller {
  std::string_view id;
  Revision revision = kNewestLegacy;
};

/// {"name":...,"version":...}
void write_server_info(protocol::json::Writer& writer);

/// Members that every result of the caller's revision has; the result's object is open.
void write_common_members(protocol::json::Writer& writer, Revision revision);

/// Appends a result whose members `fill(Writer&)` writes.
template <class Fill>
void append_result(std::string& out, const Caller& caller, Fill&& fill) {
  protocol::json::Writer writer(out);
  writer.begin_object().key("jsonrpc").string("2.0").key("id").raw(caller.id);
  writer.key("result").begin_object();
  fill(writer);
  write_common_members(writer, caller.revision);
  writer.end_object().end_object();
  out += '\n';
}

/// Appends an error. An empty id stands for one that could not be read, `data` for none.
void append_error(std::string& out, std::string_view id, int code, std::string_view message,
                  std::string_view data = {});

enum class IsError : bool { kNo, kYes };

/// Appends the result of a tool call with one text.
void append_text(std::string& out, const Caller& caller, std::string_view text,
                 IsError is_error = IsError::kNo);

}  // namespace mcpwire::demo
