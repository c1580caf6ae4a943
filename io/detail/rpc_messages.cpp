// SPDX-License-Identifier: MIT
#include "io/detail/rpc_messages.hpp"

#include "protocol/base/text_pool.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"
#include "protocol/mcp/error_codes.hpp"
#include "protocol/mcp/meta.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/mcp/refusal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace mcpwire::io::detail {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;

/// What the fields around a message's payload take at most, beside method and id.
constexpr std::size_t kEnvelopeBytes = 64;

/// Writes the part that all our messages share, then what `fill` adds, then the newline.
template <class Fill>
std::string line(std::size_t payload_bytes, Fill&& fill) {
  std::string text = take_text(payload_bytes + kEnvelopeBytes);
  json::Writer writer(text);
  writer.begin_object().key("jsonrpc").string("2.0");
  fill(writer);
  writer.end_object();
  text += '\n';
  return text;
}

std::string quote(std::string_view token) {
  constexpr std::size_t kShownBytes = 64;
  return std::string(token.substr(0, kShownBytes));
}

/// Ends `text`, a message without params, with those: `meta` in front of what `params` has.
void splice_params(std::string& text, std::string_view params, const RequestMeta& meta) {
  text.resize(text.size() - 2);  // The brace and the newline.
  text += R"(,"params":{"_meta":{)";
  meta.append_to(text);
  text += '}';
  const std::size_t open = params.find('{');
  std::string_view rest = open == params.npos ? "}" : params.substr(open + 1);
  rest.remove_prefix(rest.find_first_not_of(" \t\r\n"));
  if (!rest.starts_with('}')) text += ',';
  const std::size_t begin = text.size();
  text += rest;
  const auto is_newline = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), is_newline, ' ');
  text += "}\n";
}

}  // namespace

std::string request_line(std::uint64_t id, std::string_view method, std::string_view params,
                         const RequestMeta& meta) {
  const std::size_t bytes = method.size() + params.size() + meta.bytes();
  std::string text = line(bytes, [&](json::Writer& writer) {
    writer.key("id").number(id).key("method").string(method);
    if (!params.empty() && meta.empty()) writer.key("params").raw(params);
  });
  if (!meta.empty()) splice_params(text, params, meta);
  return text;
}

RpcLine large_request_line(std::uint64_t id, std::string_view method,
                           std::shared_ptr<const std::string> memory, const RequestMeta& meta) {
  const std::string_view params = *memory;
  RpcLine whole(request_line(id, method, meta.empty() ? std::string_view() : "{}", meta));
  // What is in front of the params' first member, and the ends of the params and of the message.
  const std::string_view end = meta.empty() ? "}\n" : "}}\n";
  whole.head.resize(whole.head.size() - end.size());
  if (meta.empty()) {
    whole.head += R"(,"params":)";
    whole.body = params;
  } else {
    whole.body = params.substr(params.find('{') + 1);
    whole.body.remove_prefix(whole.body.find_first_not_of(" \t"));
    if (!whole.body.starts_with('}')) whole.head += ',';
  }
  whole.tail = "}\n";
  whole.memory = std::move(memory);
  return whole;
}

std::string notification_line(std::string_view method, std::string_view params) {
  return line(method.size() + params.size(), [&](json::Writer& writer) {
    writer.key("method").string(method);
    if (!params.empty()) writer.key("params").raw(params);
  });
}

std::string cancelled_line(std::uint64_t request_id, std::string_view reason) {
  return line(reason.size(), [&](json::Writer& writer) {
    writer.key("method").string(mcp::kCancelled).key("params").begin_object();
    writer.key("requestId").number(request_id).key("reason").string(reason).end_object();
  });
}

std::string result_answer_line(std::string_view raw_id, std::string_view json) {
  return line(raw_id.size() + json.size(),
              [&](json::Writer& writer) { writer.key("id").raw(raw_id).key("result").raw(json); });
}

std::string error_answer_line(std::string_view raw_id, std::string_view json) {
  return line(raw_id.size() + json.size(),
              [&](json::Writer& writer) { writer.key("id").raw(raw_id).key("error").raw(json); });
}

std::string refusal_line(std::string_view raw_id, std::string_view method) {
  const mcp::Refusal refusal = mcp::refusal_of(method);
  if (!refusal.result_json.empty()) return result_answer_line(raw_id, refusal.result_json);
  return line(raw_id.size() + method.size(), [&](json::Writer& writer) {
    std::string text(refusal.error_message);
    if (refusal.error_code == mcp::kMethodNotFound) text += ": " + quote(method);
    writer.key("id").raw(raw_id).key("error").begin_object();
    writer.key("code").number(refusal.error_code).key("message").string(text).end_object();
  });
}

std::optional<std::uint64_t> minted_id(std::string_view raw_id) noexcept {
  if (raw_id.empty() || raw_id.front() < '1' || raw_id.front() > '9') return std::nullopt;
  std::uint64_t id = 0;
  const char* const end = raw_id.data() + raw_id.size();
  const auto [stop, error] = std::from_chars(raw_id.data(), end, id);
  if (error != std::errc() || stop != end) return std::nullopt;
  return id;
}

std::optional<std::uint64_t> quoted_id(std::string_view raw_id) noexcept {
  const bool is_quoted = raw_id.size() >= 2 && raw_id.front() == '"';
  return is_quoted ? minted_id(raw_id.substr(1, raw_id.size() - 2)) : std::nullopt;
}

std::optional<Progress> read_progress(json::ValueReader& reader, std::string_view params) {
  constexpr std::array<std::string_view, 2> kNames = {mcp::kMetaProgressToken, "progress"};
  std::array<std::string_view, 2> raw;
  if (!reader.extract_fields(params, kNames, raw).has_value()) return std::nullopt;
  const std::optional<std::uint64_t> token = minted_id(raw[0]);
  const Result<double> value = json::read_double(raw[1]);
  if (!token.has_value() || !value.has_value()) return std::nullopt;
  return Progress{*token, *value};
}

}  // namespace mcpwire::io::detail
