// SPDX-License-Identifier: MIT
#include "io/mcp/pages.hpp"

#include "io/mcp/result_type.hpp"
#include "io/mcp/splice.hpp"
#include "protocol/base/check.hpp"
#include "protocol/json/value.hpp"

#include <array>
#include <set>
#include <string>
#include <utility>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;
using protocol::Outcome;

struct Page {
  std::string_view elements;  ///< The raw array.
  std::string_view cursor;    ///< The raw token of nextCursor; empty: this is the last page.
};

Result<Page> read_page(json::ValueReader& reader, const protocol::mcp::MethodFacts& method,
                       std::string_view result) {
  const std::array<std::string_view, 2> names = {method.page_key, "nextCursor"};
  std::array<std::string_view, 2> values;
  if (std::string why = why_no_object(result); !why.empty()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::move(why));
  }
  TRY(reader.extract_fields(result, names, values));
  if (values[0].empty() || json::value_kind(values[0]) != json::ValueKind::kArray) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                "the server answered " + std::string(method.name) + " without a list");
  }
  // Some servers send null where the field should be absent.
  const bool has_cursor =
      !values[1].empty() && json::value_kind(values[1]) == json::ValueKind::kString;
  return Page{values[0], has_cursor ? values[1] : std::string_view{}};
}

/// Appends the elements of `array` to `all`, which is an unfinished array.
void append_elements(std::string& all, std::string_view array) {
  const std::string_view inner = array.substr(1, array.size() - 2);
  if (inner.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  if (all.size() > 1) all += ',';
  all += inner;
}

RpcReply unusable(ErrorCode code, std::string text) {
  return {
      Outcome::kUnknown, {}, Error::with_detail(ErrorKind::kInvalid, code, std::move(text)), true};
}

/// The caller's own cursor is where the list begins; later pages have the server's.
Result<std::string> without_cursor(json::ValueReader& reader, std::string_view params) {
  if (params.empty()) return std::string();
  std::string rest;
  for (const json::Member& member : TRY(reader.members(params))) {
    if (TRY(json::decode_string(member.key)) == "cursor") continue;
    rest.append(rest.empty() ? "{" : ",").append(member.key).append(":").append(member.value);
  }
  return rest.empty() ? std::string("{}") : rest + "}";
}

}  // namespace

// Transport and method outlive this frame, as the header says.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> fetch_pages(McpTransport& transport,
                           const protocol::mcp::MethodFacts& method,  // outlives: a constant table
                           std::string_view params,  // outlives: the caller keeps it until the end
                           RequestOptions options, PageLimits limits) {
  MCPWIRE_CHECK(!method.page_key.empty());
  const std::string name(method.name);
  json::ValueReader reader;
  const Result<std::string> rest = without_cursor(reader, params);
  if (!rest.has_value()) co_return RpcReply{Outcome::kRejected, {}, rest.error(), false};
  std::string all = "[";
  std::string next(params);
  std::set<std::string> cursors;
  for (std::size_t count = 0; count < limits.pages; ++count) {
    RpcReply reply = co_await transport.request(name, next, options);
    if (reply.outcome != Outcome::kOk) co_return std::move(reply);
    const Result<Page> page = read_page(reader, method, reply.body);
    if (!page.has_value()) co_return RpcReply{Outcome::kUnknown, {}, page.error(), true};
    append_elements(all, page->elements);
    if (all.size() > limits.bytes) {
      co_return unusable(ErrorCode::kTooLarge, "the server's answer to " + name + " is too large");
    }
    if (page->cursor.empty()) co_return RpcReply{Outcome::kOk, all + "]", {}, true};
    if (!cursors.emplace(page->cursor).second) {
      co_return unusable(ErrorCode::kProtocolViolation,
                         "the server's answer to " + name + " repeats a page without end");
    }
    next = with_member(*rest, "cursor", page->cursor);
  }
  co_return unusable(ErrorCode::kTooLarge,
                     "the server's answer to " + name + " has too many pages");
}

}  // namespace mcpwire::io
