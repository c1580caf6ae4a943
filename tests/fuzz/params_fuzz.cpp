// SPDX-License-Identifier: MIT
//
// Reads any bytes as each parameter struct and each reply, longer and shorter structs included.
// What is read lies inside the payload; what an older sender lacks is zero.
#include "client/detail/requests.hpp"
#include "protocol/base/check.hpp"
#include "protocol/params.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace mcpwire;
using protocol::ByteRange;
using protocol::PayloadReader;

void check_texts(ByteSpan payload, std::initializer_list<ByteRange> ranges) {
  const PayloadReader reader(payload);
  for (const ByteRange range : ranges) {
    const auto text = reader.text(range);
    const bool fits = std::uint64_t{range.offset} + range.bytes <= payload.size();
    MCPWIRE_CHECK(text.has_value() == fits);
    if (!text) continue;
    MCPWIRE_CHECK(text->size() == range.bytes);
    MCPWIRE_CHECK(*text == as_text(payload).substr(range.offset, range.bytes));
  }
}

/// The struct as read, held to the rule by hand. `kRequired`: what the first version had.
template <WireStruct Fixed, std::size_t kRequired = sizeof(Fixed)>
Fixed read(ByteSpan payload) {
  const auto value = PayloadReader(payload).fixed<Fixed, kRequired>();
  std::uint32_t struct_bytes = 0;
  if (payload.size() >= 4) std::memcpy(&struct_bytes, payload.data(), 4);
  const bool is_whole =
      payload.size() >= kRequired && struct_bytes >= kRequired && struct_bytes <= payload.size();
  if (is_whole && !value) {
    // Refused for its reserved field alone.
    Fixed sent{};
    std::memcpy(&sent, payload.data(), std::min<std::size_t>(struct_bytes, sizeof(Fixed)));
    MCPWIRE_CHECK(protocol::uses_reserved(sent));
  }
  if (!value) return Fixed{};
  MCPWIRE_CHECK(is_whole);
  const std::size_t known = std::min<std::size_t>(struct_bytes, sizeof(Fixed));
  const std::string_view bytes = as_text(object_bytes(*value));
  MCPWIRE_CHECK(bytes.substr(0, known) == as_text(payload).substr(0, known));
  MCPWIRE_CHECK(bytes.find_first_not_of('\0', known) == std::string_view::npos);
  return *value;
}

void fuzz_structs(ByteSpan payload) {
  const auto call = read<protocol::CallToolRequest>(payload);
  check_texts(payload, {call.server, call.tool, call.arguments});
  // As the daemon reads an older client's.
  constexpr std::size_t kFirstVersion = offsetof(protocol::CallToolRequest, abilities);
  const auto grown = read<protocol::CallToolRequest, kFirstVersion>(payload);
  check_texts(payload, {grown.server, grown.tool, grown.arguments, grown.meta});
  const auto request = read<protocol::RpcRequest>(payload);
  check_texts(payload, {request.server, request.method, request.params, request.meta});
  const auto question = read<protocol::ServerRequestEvent>(payload);
  check_texts(payload, {question.method, question.params});
  check_texts(payload, {read<protocol::ServerAnswerEvent>(payload).result});
  const auto told = read<protocol::NotificationEvent>(payload);
  check_texts(payload, {told.server, told.method, told.params});
  const auto status = read<protocol::StatusReply>(payload);
  check_texts(payload,
              {status.daemon_version, status.runtime_directory, status.io_backend, status.warning});
  check_texts(payload, {read<protocol::ListToolsRequest>(payload).server,
                        read<protocol::ProgressEvent>(payload).params,
                        read<protocol::ErrorBody>(payload).message});
  static_cast<void>(read<protocol::CancelEvent>(payload));
  static_cast<void>(read<protocol::MemoryEvent>(payload));
  static_cast<void>(read<protocol::IntentEvent>(payload));
}

void fuzz_arrays(ByteSpan payload) {
  const auto listed = read<protocol::ListServersReply>(payload);
  const PayloadReader reader(payload);
  const auto entries = reader.array<protocol::ServerEntry>(listed.entries, listed.entry_bytes);
  if (entries && listed.entry_bytes != 0) {
    MCPWIRE_CHECK(entries->size() == listed.entries.bytes / listed.entry_bytes);
  }
}

void fuzz_replies(ByteSpan payload) {
  if (const auto servers = client::detail::decode_servers(payload)) {
    MCPWIRE_CHECK(servers->size() <= payload.size());
  }
  if (const auto tools = client::detail::decode_tools(payload)) {
    MCPWIRE_CHECK(tools->successes.size() <= payload.size());
    MCPWIRE_CHECK(tools->failures.size() <= payload.size());
  }
  static_cast<void>(client::detail::decode_status(payload));
  if (const auto question = client::detail::decode_question(payload)) {
    MCPWIRE_CHECK(question->method.size() + question->params_json.size() <= 2 * payload.size());
  }
  if (const auto told = client::detail::decode_notification(payload)) {
    MCPWIRE_CHECK(told->server.size() <= payload.size());
  }
  if (const auto parsed = protocol::parse_error_body(payload)) {
    const std::string again = protocol::build_error_body(parsed->error, parsed->may_have_been_sent);
    const auto twice = protocol::parse_error_body(as_bytes(again));
    MCPWIRE_CHECK(twice.has_value());
    MCPWIRE_CHECK(twice->error.kind == parsed->error.kind);
    MCPWIRE_CHECK(twice->error.message() == parsed->error.message());
    MCPWIRE_CHECK(twice->may_have_been_sent == parsed->may_have_been_sent);
  }
  for (const auto outcome : {protocol::Outcome::kOk, protocol::Outcome::kUnknown}) {
    const auto reply = client::detail::decode_reply(outcome, std::string(as_text(payload)));
    MCPWIRE_CHECK(reply.outcome != protocol::Outcome::kNone);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan payload = std::as_bytes(std::span(data, size));
  fuzz_structs(payload);
  fuzz_arrays(payload);
  fuzz_replies(payload);
  return 0;
}
