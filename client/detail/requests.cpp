// SPDX-License-Identifier: MIT
#include "client/detail/requests.hpp"

#include "client/detail/violation.hpp"
#include "protocol/payload_codec.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace mcpwire::client::detail {

using protocol::PayloadBuilder;
using protocol::PayloadReader;

namespace {

/// `text` as a JSON string; bytes above ASCII pass, for the daemon checks them.
void append_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < 0x20) {
      out.append("\\u00").append(1, kDigits[code >> 4]).append(1, kDigits[code & 0xf]);
      continue;
    }
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  out += '"';
}

}  // namespace

std::string encode_call(const CallRequest& request, protocol::mcp::ClientAbilities abilities) {
  // As the first version said it, where nothing is said that it had no word for.
  const bool is_plain = abilities == protocol::mcp::ClientAbilities() && request.meta_json.empty();
  PayloadBuilder<protocol::CallToolRequest> builder(
      is_plain ? offsetof(protocol::CallToolRequest, abilities)
               : sizeof(protocol::CallToolRequest));
  protocol::CallToolRequest& call = builder.fixed;
  call.priority = request.priority;
  call.deadline_ns = request.deadline_ns;
  call.idempotency_key = request.idempotency_key;
  call.fairness_key = request.fairness_key;
  call.trace_id = request.trace_id;
  call.parent_span_id = request.parent_span_id;
  call.trace_flags = request.trace_flags;
  call.server = builder.add(request.server);
  call.tool = builder.add(request.tool);
  call.arguments = builder.add(request.arguments_json);
  call.abilities = abilities.bits();
  if (!is_plain) call.meta = builder.add(request.meta_json);
  return builder.take();
}

std::string encode_request(const McpRequest& request, protocol::mcp::ClientAbilities abilities) {
  PayloadBuilder<protocol::RpcRequest> builder;
  protocol::RpcRequest& fixed = builder.fixed;
  fixed.pages = request.pages;
  fixed.deadline_ns = request.deadline_ns;
  fixed.abilities = abilities.bits();
  fixed.trace_id = request.trace_id;
  fixed.parent_span_id = request.parent_span_id;
  fixed.trace_flags = request.trace_flags;
  fixed.server = builder.add(request.server);
  fixed.method = builder.add(request.method);
  fixed.params = builder.add(request.params_json);
  fixed.meta = builder.add(request.meta_json);
  return builder.take();
}

std::string encode_answer(std::uint64_t correlation, std::uint64_t key,
                          const ServerAnswer& answer) {
  PayloadBuilder<protocol::ServerAnswerEvent> builder;
  builder.fixed.kind = answer.kind;
  builder.fixed.correlation = correlation;
  builder.fixed.key = key;
  builder.fixed.result = builder.add(answer.json);
  return builder.take();
}

std::string listen_params(const ListenRequest& request) {
  std::string text = R"({"notifications":{)";
  if (request.tools) text += R"("toolsListChanged":true,)";
  if (request.prompts) text += R"("promptsListChanged":true,)";
  if (request.resources) text += R"("resourcesListChanged":true,)";
  text += R"("resourceSubscriptions":[)";
  for (std::size_t index = 0; index < request.uris.size(); ++index) {
    if (index != 0) text += ',';
    append_string(text, request.uris[index]);
  }
  return text + "]}}";
}

Result<ServerQuestion> decode_question(ByteSpan payload) {
  const PayloadReader reader(payload);
  const auto event = TRY(reader.fixed<protocol::ServerRequestEvent>());
  return ServerQuestion{event.correlation, event.key, TRY(reader.text(event.method)),
                        TRY(reader.text(event.params))};
}

Result<Notification> decode_notification(ByteSpan payload) {
  const PayloadReader reader(payload);
  const auto event = TRY(reader.fixed<protocol::NotificationEvent>());
  return Notification{event.correlation, TRY(reader.text(event.server)),
                      TRY(reader.text(event.method)), TRY(reader.text(event.params))};
}

std::string encode_list_tools(std::string_view server, std::uint32_t concurrency,
                              std::uint64_t deadline_ns) {
  PayloadBuilder<protocol::ListToolsRequest> builder;
  builder.fixed.concurrency = concurrency;
  builder.fixed.deadline_ns = deadline_ns;
  builder.fixed.server = builder.add(server);
  return builder.take();
}

Result<std::vector<ServerSummary>> decode_servers(ByteSpan payload) {
  const PayloadReader reader(payload);
  const auto reply = TRY(reader.fixed<protocol::ListServersReply>());
  std::vector<ServerSummary> servers;
  for (const protocol::ServerEntry& entry :
       TRY(reader.array<protocol::ServerEntry>(reply.entries, reply.entry_bytes))) {
    servers.push_back({std::string(TRY(reader.text(entry.name))),
                       std::string(TRY(reader.text(entry.detail))), entry.state, entry.process_id,
                       entry.calls});
  }
  return servers;
}

Result<ToolsListing> decode_tools(ByteSpan payload) {
  const PayloadReader reader(payload);
  const auto reply = TRY(reader.fixed<protocol::ListToolsReply>());
  ToolsListing listing;
  for (const protocol::ToolsEntry& entry :
       TRY(reader.array<protocol::ToolsEntry>(reply.successes, reply.success_bytes))) {
    listing.successes.push_back({std::string(TRY(reader.text(entry.server))),
                                 std::string(TRY(reader.text(entry.tools))), entry.duration_ns});
  }
  for (const protocol::FailureEntry& entry :
       TRY(reader.array<protocol::FailureEntry>(reply.failures, reply.failure_bytes))) {
    if (entry.error_kind == 0 ||
        entry.error_kind > static_cast<std::uint32_t>(ErrorKind::kInternal)) {
      return violation("list of tools with a failure of no kind");
    }
    listing.failures.push_back({std::string(TRY(reader.text(entry.server))),
                                Error::with_detail(static_cast<ErrorKind>(entry.error_kind),
                                                   static_cast<ErrorCode>(entry.error_code),
                                                   std::string(TRY(reader.text(entry.message)))),
                                entry.duration_ns});
  }
  return listing;
}

namespace {

Result<std::vector<LoopStatus>> decode_loops(const PayloadReader& reader,
                                             const protocol::StatusReply& reply) {
  std::vector<LoopStatus> loops;
  for (const protocol::LoopEntry& entry :
       TRY(reader.array<protocol::LoopEntry>(reply.loops, reply.loop_bytes))) {
    LoopStatus loop{entry.turns, entry.system_calls, entry.calls, {}};
    for (const protocol::LagBucket& bucket :
         TRY(reader.array<protocol::LagBucket>(entry.lag, reply.lag_bucket_bytes))) {
      loop.lag.buckets.push_back({bucket.largest_ns, bucket.count});
    }
    loop.lag.max = entry.lag_max_ns;
    loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace

Result<DaemonStatus> decode_status(ByteSpan payload) {
  constexpr std::size_t kRequired = offsetof(protocol::StatusReply, large);
  const PayloadReader reader(payload);
  const auto reply = TRY((reader.fixed<protocol::StatusReply, kRequired>()));
  return DaemonStatus{reply.daemon_pid,
                      reply.uptime_ns,
                      reply.calls,
                      reply.clients,
                      reply.servers,
                      reply.violations,
                      reply.refusals,
                      reply.kernel_features,
                      std::string(TRY(reader.text(reply.daemon_version))),
                      std::string(TRY(reader.text(reply.runtime_directory))),
                      reply.large,
                      std::max(reply.shards, 1U),
                      std::string(TRY(reader.text(reply.io_backend))),
                      std::string(TRY(reader.text(reply.warning))),
                      TRY(decode_loops(reader, reply))};
}

CallReply decode_reply(protocol::Outcome outcome, Body payload) {
  using protocol::Outcome;
  if (outcome == Outcome::kOk || outcome == Outcome::kPeerError) {
    CallReply reply{outcome, std::move(payload), {}, true};
    if (outcome == Outcome::kPeerError) {
      reply.error = Error::of(ErrorKind::kInvalid, ErrorCode::kPeerError);
    }
    return reply;
  }
  auto body = protocol::parse_error_body(as_bytes(payload.view()));
  if (!body) {
    // An answer came, but it cannot be told what it says: it may have happened.
    return {Outcome::kUnknown, {}, std::move(body).error(), true};
  }
  return {outcome == Outcome::kNone ? Outcome::kUnknown : outcome,
          {},
          std::move(body->error),
          outcome == Outcome::kNone || body->may_have_been_sent};
}

}  // namespace mcpwire::client::detail
