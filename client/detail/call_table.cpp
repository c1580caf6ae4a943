// SPDX-License-Identifier: MIT
#include "client/detail/call_table.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/text_pool.hpp"

#include <utility>

namespace mcpwire::client::detail {

using protocol::Method;
using protocol::Outcome;

namespace {

bool is_refused_by_dying_daemon(const CallReply& reply) noexcept {
  return (reply.outcome == Outcome::kNotSent || reply.outcome == Outcome::kRejected) &&
         reply.error.code == ErrorCode::kShuttingDown && !reply.may_have_been_sent;
}

/// Goes to a server, where what happened may not happen twice.
bool is_relayed(Method method) noexcept {
  return method == Method::kCallTool || method == Method::kRequest;
}

/// The verdict of a call on a lost link, or nothing if it may be sent again.
std::optional<CallReply> verdict_after_loss(const Call& call, protocol::CallState state,
                                            const Error& why) {
  // The daemon agreed, or ended before it could: what was asked for is the case.
  const bool is_gone = why.kind == ErrorKind::kDisconnected;
  if (call.method == Method::kShutdown && is_gone) return CallReply{Outcome::kOk, {}, {}, true};
  if (!is_relayed(call.method) || call.refused) return std::nullopt;
  if (protocol::may_have_been_sent(state)) return verdict(state, why);
  if (call.cancel_requested) {
    return CallReply{Outcome::kCancelled,
                     {},
                     Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller),
                     false};
  }
  return std::nullopt;
}

}  // namespace

CallReply verdict(protocol::CallState state, Error why) {
  const bool sent = protocol::may_have_been_sent(state);
  return {sent ? Outcome::kUnknown : Outcome::kNotSent, {}, std::move(why), sent};
}

CallReply unsent_reply(Error why) {
  const bool gave_up = why.kind == ErrorKind::kCancelled;
  return {gave_up ? Outcome::kCancelled : Outcome::kNotSent, {}, std::move(why), false};
}

Call* CallTable::add(Method method, std::string payload, std::uint64_t deadline_ns) {
  // One lap over the slots finds a free one if there is any.
  for (std::size_t tried = 0; tried < protocol::kCallWindow; ++tried) {
    const std::uint64_t correlation = next_correlation_++;
    MCPWIRE_CHECK(correlation <= protocol::kCorrelationMax);
    std::unique_ptr<Call>& slot = slot_of(correlation);
    if (slot) continue;
    slot = take_spare();
    slot->correlation = correlation;
    slot->method = method;
    slot->payload = std::move(payload);
    slot->deadline_ns = deadline_ns;
    return slot.get();
  }
  return nullptr;
}

std::unique_ptr<Call> CallTable::take_spare() {
  if (spare_.empty()) return std::make_unique<Call>();
  std::unique_ptr<Call> call = std::move(spare_.back());
  spare_.pop_back();
  return call;
}

void CallTable::free(std::unique_ptr<Call>& slot) {
  recycle_text(std::move(slot->payload));
  if (spare_.size() < kSparesMax) {
    *slot = Call();
    spare_.push_back(std::move(slot));
  }
  slot.reset();
}

Call* CallTable::find(std::uint64_t correlation) noexcept {
  const std::unique_ptr<Call>& slot = slot_of(correlation);
  const bool is_it = slot && slot->correlation == correlation && !slot->is_abandoned;
  return is_it ? slot.get() : nullptr;
}

void CallTable::answer(std::uint64_t correlation, CallReply reply) {
  std::unique_ptr<Call>& slot = slot_of(correlation);
  if (!slot || slot->correlation != correlation || slot->reply) return;
  if (slot->is_abandoned) {
    free(slot);
  } else if (auto_start_ == AutoStart::kYes && is_refused_by_dying_daemon(reply) &&
             slot->refusals < kRefusalsMax && !slot->cancel_requested) {
    ++slot->refusals;
    if (slot->attempts > 0) --slot->attempts;
    slot->refused = std::move(reply);
  } else {
    slot->reply = std::move(reply);
  }
}

CallReply CallTable::take(Call& call) {
  MCPWIRE_CHECK(call.reply.has_value());
  CallReply reply = std::move(*call.reply);
  free(slot_of(call.correlation));
  return reply;
}

void CallTable::abandon(Call& call) {
  call.is_abandoned = true;
  call.payload = std::string();
  // The daemon has answered already: nothing else will come.
  if (call.refused || call.reply) free(slot_of(call.correlation));
}

void CallTable::settle_lost(const std::function<protocol::CallState(std::uint64_t)>& state_of,
                            const Error& why) {
  for (std::unique_ptr<Call>& slot : slots_) {
    if (!slot || slot->reply) continue;
    if (slot->is_abandoned) {
      free(slot);
      continue;
    }
    slot->reply = verdict_after_loss(*slot, state_of(slot->correlation), why);
  }
}

void CallTable::for_each_unanswered(const std::function<void(Call&)>& visit) {
  for (std::unique_ptr<Call>& slot : slots_) {
    if (slot && !slot->reply && !slot->is_abandoned) visit(*slot);
  }
}

bool CallTable::has_unanswered() const noexcept {
  for (const std::unique_ptr<Call>& slot : slots_) {
    if (slot && !slot->reply && !slot->is_abandoned) return true;
  }
  return false;
}

}  // namespace mcpwire::client::detail
