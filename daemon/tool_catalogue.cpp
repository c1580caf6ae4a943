// SPDX-License-Identifier: MIT
#include "daemon/tool_catalogue.hpp"

#include "protocol/json/value.hpp"
#include "protocol/json/writer.hpp"

#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;

struct Page {
  std::string_view tools;   ///< The raw array.
  std::string_view cursor;  ///< The raw token of nextCursor; empty: this is the last page.
};

Result<Page> read_page(json::ValueReader& reader, std::string_view result) {
  static constexpr std::array<std::string_view, 2> kNames = {"tools", "nextCursor"};
  std::array<std::string_view, 2> values;
  TRY(reader.extract_fields(result, kNames, values));
  if (values[0].empty() || json::value_kind(values[0]) != json::ValueKind::kArray) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                "the server answered tools/list without a list of tools");
  }
  // Some servers send null where the field should be absent.
  const bool has_cursor =
      !values[1].empty() && json::value_kind(values[1]) == json::ValueKind::kString;
  return Page{values[0], has_cursor ? values[1] : std::string_view{}};
}

// Appends the elements of `array` to `all`, which is an unfinished array.
void append_elements(std::string& all, std::string_view array) {
  const std::string_view inner = array.substr(1, array.size() - 2);
  if (inner.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  if (all.size() > 1) all += ',';
  all += inner;
}

std::string cursor_params(std::string_view cursor) {
  std::string params;
  json::Writer(params).begin_object().key("cursor").raw(cursor).end_object();
  return params;
}

}  // namespace

Error error_of_reply(const io::RpcReply& reply) {
  if (reply.outcome != protocol::Outcome::kPeerError) return reply.error;
  static constexpr std::array<std::string_view, 1> kNames = {"message"};
  std::array<std::string_view, 1> values;
  json::ValueReader reader;
  std::string text = "the server answered with an error";
  if (reader.extract_fields(reply.body, kNames, values).has_value() && !values[0].empty()) {
    const Result<std::string> message = json::decode_string(values[0]);
    if (message.has_value()) text = *message;
  }
  return Error::with_detail(ErrorKind::kUnsupported, ErrorCode::kPeerError, std::move(text));
}

// The transport is leased by the caller for longer than this task runs.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<std::string>> fetch_tools(io::McpTransport& transport, io::RequestOptions options) {
  std::string all = "[";
  std::string params;
  std::set<std::string> cursors;
  json::ValueReader reader;
  for (std::size_t page_count = 0; page_count < kToolPagesMax; ++page_count) {
    const io::RpcReply reply = co_await transport.request("tools/list", params, options);
    if (reply.outcome != protocol::Outcome::kOk) co_return fail(error_of_reply(reply));
    const Result<Page> page = read_page(reader, reply.body);
    if (!page.has_value()) co_return fail(page.error());
    append_elements(all, page->tools);
    if (all.size() > kToolListBytesMax) {
      co_return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                     "the server's tool list is too large");
    }
    if (page->cursor.empty()) co_return all + "]";
    if (!cursors.emplace(page->cursor).second) {
      co_return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                     "the server's tool list repeats a page without end");
    }
    params = cursor_params(page->cursor);
  }
  co_return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                 "the server's tool list has too many pages");
}

}  // namespace mcpwire::daemon
