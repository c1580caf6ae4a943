// SPDX-License-Identifier: MIT
#include "io/detail/rpc_session.hpp"

#include "io/detail/rpc_messages.hpp"
#include "io/mcp/result_type.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/json/unreadable_answer.hpp"
#include "protocol/mcp/method.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io::detail {

namespace mcp = protocol::mcp;
using protocol::Outcome;
using protocol::json::Envelope;
using protocol::json::JsonFault;
using protocol::json::MessageKind;

RpcSession::RpcSession(EventLoop& loop, ByteWriter& writer, RpcCodec& codec, Owner& owner,
                       Limits limits)
    : loop_(loop),
      codec_(codec),
      owner_(owner),
      queue_(writer, owner, limits.queue_bytes_max, limits.outgoing),
      questions_(codec.values, as_owner()) {}

RpcSession::~RpcSession() { MCPWIRE_CHECK(pending_.empty()); }

void RpcSession::begin(mcp::Revision revision) {
  revision_ = revision;
  constants_.emplace(revision);
}

// --- Requests --------------------------------------------------------------------------------

task<RpcReply> RpcSession::request(std::string_view method, std::string_view params,
                                   RequestOptions options) {
  const std::uint64_t id = next_id_++;
  const bool is_handshake = !revision_.has_value();
  const ResultRules rules =
      is_handshake ? ResultRules{} : result_rules(*revision_, method, options.abilities);
  RpcPending pending(loop_, options);
  Result<RpcLine> line = line_of(id, method, params, pending);
  if (!line.has_value()) co_return RpcReply{Outcome::kRejected, {}, line.error(), false};
  remember(id, pending);
  const Result<void> queued = queue_.push(*std::move(line), &pending);
  if (!queued.has_value()) {
    forget(id);
    const bool is_full = queued.error().kind == ErrorKind::kOverloaded;
    co_return RpcReply{is_full ? Outcome::kRejected : Outcome::kNotSent, {}, queued.error(), false};
  }

  Result<RpcReply> reply = co_await pending.wait();
  forget(id);
  queue_.forget(pending);
  if (reply.has_value()) {
    apply_result_rules(codec_.values, rules, *reply);
    co_return *std::move(reply);
  }
  if (pending.should_tell_server() && !is_handshake) {
    // If the queue is full or stopped the server does not read anyway.
    const bool is_timeout = reply.error().code == ErrorCode::kDeadlineExceeded;
    static_cast<void>(
        queue_.push(cancelled_line(id, is_timeout ? "timeout" : "cancelled by caller"), nullptr));
  }
  co_return pending.failed_reply(reply.error());
}

Result<RpcLine> RpcSession::line_of(std::uint64_t id, std::string_view method,
                                    std::string_view params, const RpcPending& pending) {
  const RequestOptions& options = pending.options();
  RequestMeta meta;
  std::string callers;
  if (!options.meta.empty())
    meta.callers = callers = TRY(caller_members(codec_.values, options.meta));
  if (constants_.has_value()) meta.constant = constants_->members(options.abilities);
  if (pending.wants_progress()) meta.progress_token = id;
  const bool is_kept = options.params_memory != nullptr && !params.empty() &&
                       options.params_memory->data() == params.data() &&
                       options.params_memory->size() == params.size();
  if (is_kept) return large_request_line(id, method, options.params_memory, meta);
  return RpcLine(request_line(id, method, params, meta));
}

void RpcSession::remember(std::uint64_t id, RpcPending& pending) {
  if (spare_nodes_.empty()) {
    pending_.emplace(id, &pending);
    return;
  }
  spare_nodes_.back().key() = id;
  spare_nodes_.back().mapped() = &pending;
  pending_.insert(std::move(spare_nodes_.back()));
  spare_nodes_.pop_back();
}

void RpcSession::forget(std::uint64_t id) {
  auto node = pending_.extract(id);
  MCPWIRE_CHECK(!node.empty());
  questions_.forget(*node.mapped());
  if (spare_nodes_.size() < kSpareNodesMax) spare_nodes_.push_back(std::move(node));
}

void RpcSession::notify(std::string_view method, std::string_view params) {
  static_cast<void>(queue_.push(notification_line(method, params), nullptr));
}

void RpcSession::fail_all(const Error& why) {
  queue_.stop();
  for (const auto& [id, pending] : pending_) pending->on_connection_lost(why);
}

void RpcSession::on_line(std::string_view line) {
  const Result<Envelope> message = codec_.envelopes.parse(line);
  if (message.has_value()) {
    dispatch(*message);
  } else if (revision_.has_value() && mcp::facts_of(*revision_).has_batches &&
             codec_.envelopes.last_fault() == JsonFault::kBatch) {
    on_batch(line);
  } else {
    on_junk(line);
  }
}

void RpcSession::on_large_line(std::string_view line, LargeLine memory) {
  large_ = std::move(memory);
  on_line(line);
  large_ = LargeLine();
}

void RpcSession::on_batch(std::string_view line) {
  const Result<std::vector<std::string_view>> parts = codec_.values.elements(line);
  if (!parts.has_value() || parts->empty()) {
    on_junk(line);
    return;
  }
  // Several replies cannot keep one memory.
  const LargeLine memory = std::exchange(large_, LargeLine());
  for (const std::string_view part : *parts) {
    const Result<Envelope> message = codec_.envelopes.parse(part);
    if (message.has_value()) {
      dispatch(*message);
    } else {
      on_junk(part);
    }
  }
}

void RpcSession::on_junk(std::string_view line) {
  const JsonFault fault = codec_.envelopes.last_fault();
  const std::optional<std::uint64_t> id = protocol::json::unreadable_answer_id(line);
  RpcPending* const pending = id.has_value() ? find(*id) : nullptr;
  if (pending != nullptr) pending->on_unreadable_answer(protocol::json::json_fault_text(fault));
  ++counters_.junk_lines;
  owner_.on_junk_line(line);
}

void RpcSession::dispatch(const Envelope& message) {
  switch (message.kind) {
    case MessageKind::kRequest:
      on_server_request(message);
      break;
    case MessageKind::kNotification:
      on_notification(message);
      break;
    case MessageKind::kResult:
    case MessageKind::kError:
      on_response(message);
      break;
  }
}

void RpcSession::on_response(const Envelope& message) {
  const std::optional<std::uint64_t> id = minted_id(message.id);
  RpcPending* const pending = id.has_value() ? find(*id) : nullptr;
  if (pending == nullptr) {
    const std::optional<std::uint64_t> meant = quoted_id(message.id);
    RpcPending* const asked = meant.has_value() ? find(*meant) : nullptr;
    if (asked != nullptr) asked->on_unreadable_answer(kIdIsText);
    const bool was_ours = id.has_value() && *id < next_id_;
    ++(was_ours ? counters_.late_responses : counters_.unmatched_responses);
    return;
  }
  const bool is_result = message.kind == MessageKind::kResult;
  switch (pending->on_answer(is_result ? Outcome::kOk : Outcome::kPeerError,
                             is_result ? message.result : message.error,
                             std::exchange(large_, LargeLine()))) {
    case RpcPending::Answer::kTaken:
      break;
    case RpcPending::Answer::kLate:
      ++counters_.late_responses;
      break;
    case RpcPending::Answer::kTooEarly:
      ++counters_.unmatched_responses;
      break;
  }
}

// --- What the server says unasked ------------------------------------------------------------

void RpcSession::on_server_request(const Envelope& message) {
  ++counters_.server_requests;
  // In a modern conversation a server may not ask, and a client may not answer.
  if (revision_.has_value() && !mcp::facts_of(*revision_).has_server_requests) return;
  // The pipe does not say whose request the server works on, so that must be the only one.
  RpcPending* const only = only_one(&RpcPending::is_in_flight);
  if (only != nullptr && questions_.hand_on(message, *only)) return;
  // An answer that finds the queue full is dropped: a server that does not read cannot make us
  // remember it.
  static_cast<void>(queue_.push(refusal_line(message.id, message.method), nullptr));
}

/// The one request of that kind; null if there is none, or several.
RpcPending* RpcSession::only_one(bool (RpcPending::*is_it)() const noexcept) noexcept {
  RpcPending* only = nullptr;
  for (const auto& [id, pending] : pending_) {
    if (!(pending->*is_it)()) continue;
    if (only != nullptr) return nullptr;
    only = pending;
  }
  return only;
}

void RpcSession::on_answer_line(std::string line) {
  static_cast<void>(queue_.push(std::move(line), nullptr));
}

void RpcSession::on_notification(const Envelope& message) {
  ++counters_.notifications;
  if (message.method == mcp::kCancelled) questions_.take_back(message.params);
  RpcPending* const logging =
      message.method == mcp::kMessage ? only_one(&RpcPending::takes_logs) : nullptr;
  if (logging != nullptr) logging->on_log(message.params);
  if (message.method != mcp::kProgress) {
    owner_.on_notification(message.method, message.params);
    return;
  }
  const std::optional<Progress> progress =
      message.params.empty() ? std::nullopt : read_progress(codec_.values, message.params);
  if (!progress.has_value()) return;
  RpcPending* const pending = find(progress->token);
  if (pending != nullptr && pending->wants_progress()) {
    pending->on_progress(progress->value, message.params);
  }
}

RpcPending* RpcSession::find(std::uint64_t id) noexcept {
  const auto found = pending_.find(id);
  return found == pending_.end() ? nullptr : found->second;
}

}  // namespace mcpwire::io::detail
