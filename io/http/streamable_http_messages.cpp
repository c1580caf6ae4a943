// SPDX-License-Identifier: MIT
//
// What a server over HTTP says, on whatever stream, and to whom it goes.
#include "io/detail/rpc_messages.hpp"
#include "io/http/streamable_http_transport.hpp"
#include "protocol/json/unreadable_answer.hpp"
#include "protocol/mcp/method.hpp"

#include <utility>
#include <vector>

namespace mcpwire::io {

namespace mcp = protocol::mcp;
using detail::HttpCall;
using detail::RpcPending;
using mcp::RevisionFacts;
using protocol::json::Envelope;
using protocol::json::JsonFault;
using protocol::json::MessageKind;

namespace {

constexpr std::uint64_t kJunkShown = 10;
constexpr std::size_t kToolsKeptMax = 10'000;

}  // namespace

void StreamableHttpTransport::on_call_message(HttpCall& call, std::string_view json,
                                              LargeLine memory) {
  large_ = std::move(memory);
  dispatch(json, &call);
  large_ = LargeLine();
}

void StreamableHttpTransport::on_listener_message(std::string_view json, LargeLine memory) {
  large_ = std::move(memory);
  dispatch(json, nullptr);
  large_ = LargeLine();
}

void StreamableHttpTransport::dispatch(std::string_view json, HttpCall* from) {
  const Result<Envelope> message = peer_.codec.envelopes.parse(json);
  if (message.has_value()) return on_envelope(*message, from);
  const bool is_batch = peer_.codec.envelopes.last_fault() == JsonFault::kBatch;
  if (is_batch && peer_.has(&RevisionFacts::has_batches)) {
    const Result<std::vector<std::string_view>> parts = peer_.codec.values.elements(json);
    if (parts.has_value() && !parts->empty()) {
      // Several replies cannot keep one memory.
      const LargeLine memory = std::exchange(large_, LargeLine());
      for (const std::string_view part : *parts) {
        // A batch inside a batch is none.
        const Result<Envelope> one = peer_.codec.envelopes.parse(part);
        if (one.has_value()) {
          on_envelope(*one, from);
        } else {
          on_junk(part, from);
        }
      }
      return;
    }
  }
  on_junk(json, from);
}

void StreamableHttpTransport::on_junk(std::string_view json, HttpCall* from) {
  const std::string_view fault =
      protocol::json::json_fault_text(peer_.codec.envelopes.last_fault());
  if (from != nullptr) from->note_fault(fault);
  const std::optional<std::uint64_t> id = protocol::json::unreadable_answer_id(json);
  HttpCall* const call = id.has_value() ? find(*id) : nullptr;
  if (call != nullptr) call->pending().on_unreadable_answer(fault);
  ++counters_.junk_lines;
  if (counters_.junk_lines <= kJunkShown && message_observer_ != nullptr) {
    message_observer_->on_junk_line(json);
  }
}

void StreamableHttpTransport::on_envelope(const Envelope& message, HttpCall* from) {
  switch (message.kind) {
    case MessageKind::kRequest:
      return on_server_request(message, from);
    case MessageKind::kNotification:
      return on_notification(message, from);
    case MessageKind::kResult:
    case MessageKind::kError:
      return on_response(message, from);
  }
}

void StreamableHttpTransport::on_response(const Envelope& message, HttpCall* from) {
  const std::optional<std::uint64_t> id = detail::minted_id(message.id);
  HttpCall* call = id.has_value() ? find(*id) : nullptr;
  // An error about a request that the server could not read names none; it came to that request.
  const bool is_nameless = message.kind == MessageKind::kError && message.id.empty();
  if (is_nameless && !peer_.answers_on_stream) call = from;
  if (call != nullptr) return call->on_response(message, std::exchange(large_, LargeLine()));
  const std::optional<std::uint64_t> meant = detail::quoted_id(message.id);
  HttpCall* const asked = meant.has_value() ? find(*meant) : nullptr;
  if (asked != nullptr) asked->pending().on_unreadable_answer(detail::kIdIsText);
  const bool was_ours = id.has_value() && *id < next_id_;
  ++(was_ours ? counters_.late_responses : counters_.unmatched_responses);
}

void StreamableHttpTransport::on_notification(const Envelope& message, HttpCall* from) {
  ++counters_.notifications;
  if (message.method == mcp::kCancelled) questions_.take_back(message.params);
  if (message.method == mcp::kMessage) tell_log(message.params, from);
  if (message.method != mcp::kProgress) {
    if (message_observer_ != nullptr) {
      message_observer_->on_notification(message.method, message.params);
    }
    return;
  }
  if (message.params.empty()) return;
  const std::optional<detail::Progress> progress =
      detail::read_progress(peer_.codec.values, message.params);
  HttpCall* const call = progress.has_value() ? find(progress->token) : nullptr;
  if (call == nullptr || !call->pending().wants_progress()) return;
  call->pending().on_progress(progress->value, message.params);
}

void StreamableHttpTransport::on_server_request(const Envelope& message, HttpCall* from) {
  ++counters_.server_requests;
  // In a modern conversation a server may not ask, and a client may not answer.
  if (peer_.revision.has_value() && !peer_.has(&RevisionFacts::has_server_requests)) return;
  // The stream of a call says whose request the server works on; any other does not, so that call
  // must be the only one.
  HttpCall* const asked = from != nullptr ? from : only_call(&RpcPending::is_in_flight);
  if (asked != nullptr && questions_.hand_on(message, asked->pending())) return;
  send_notice(detail::refusal_line(message.id, message.method), {});
}

/// Where the log belongs to a request: that on whose stream it came, or the only one.
void StreamableHttpTransport::tell_log(std::string_view params, HttpCall* from) {
  HttpCall* const call = from != nullptr ? from : only_call(&RpcPending::takes_logs);
  if (call != nullptr && call->pending().takes_logs()) call->pending().on_log(params);
}

HttpCall* StreamableHttpTransport::only_call(IsIt is_it) noexcept {
  HttpCall* only = nullptr;
  for (const auto& [id, call] : calls_) {
    if (!(call->pending().*is_it)()) continue;
    if (only != nullptr) return nullptr;
    only = call;
  }
  return only;
}

void StreamableHttpTransport::on_answer_line(std::string line) {
  if (state_ != State::kClosed) send_notice(std::move(line), {});
}

void StreamableHttpTransport::note_tools(RpcReply& reply) {
  if (reply.outcome != protocol::Outcome::kOk) return;
  if (!peer_.has(&RevisionFacts::wants_standard_headers)) return;
  // A server that renames its tools all the time must not grow us.
  if (peer_.tools.size() > kToolsKeptMax) peer_.tools.clear();
  FilteredTools filtered = filter_tools(peer_.codec.values, reply.body, peer_.tools);
  counters_.hidden_tools += filtered.dropped;
  if (filtered.dropped > 0) reply.body = RpcBody(std::move(filtered.result));
}

HttpCall* StreamableHttpTransport::find(std::uint64_t id) noexcept {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second;
}

}  // namespace mcpwire::io
