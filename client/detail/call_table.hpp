// SPDX-License-Identifier: MIT
//
// CallTable: the requests of one connection that are not finished, and what becomes of each when
// the daemon answers, falls silent or dies. Pure bookkeeping: it neither sends nor waits.
//
// Threading: one thread.
// Invariants: a slot (correlation modulo protocol::kCallWindow) stays occupied until the answer
//   was taken off the link, even if nobody waits for it any more: its call word belongs to it.
#pragma once

#include "client/types.hpp"
#include "protocol/call_word.hpp"
#include "protocol/methods.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::client::detail {

/// Times one request is handed to a daemon that then ends without a word about it.
inline constexpr std::uint32_t kAttemptsMax = 4;
/// Times daemons that are ending may refuse a request. Each says so of itself: nothing suggests
/// that the request is the cause.
inline constexpr std::uint32_t kRefusalsMax = 256;

struct Call {
  std::uint64_t correlation = 0;
  protocol::Method method = protocol::Method::kPing;
  std::string payload;                 ///< Kept until it is answered: it may have to be sent again.
  std::uint64_t deadline_ns = kNever;  ///< When the client settles the call itself.
  std::uint32_t attempts = 0;          ///< Those that were refused left out.
  std::uint32_t refusals = 0;
  std::optional<CallReply> reply;
  bool is_abandoned = false;  ///< Its caller is gone; only the slot is still occupied.
  bool cancel_requested = false;
  /// The daemon is ending and refused it: sent again once the link is lost.
  std::optional<CallReply> refused;
};

class CallTable {
 public:
  /// kNo: a refusal by a daemon that is ending is the answer; nothing could be started instead.
  explicit CallTable(AutoStart auto_start) noexcept : auto_start_(auto_start) {}

  /// A new call, or null where all slots are taken.
  Call* add(protocol::Method method, std::string payload, std::uint64_t deadline_ns);

  /// Null if there is none, or nobody waits for it any more.
  Call* find(std::uint64_t correlation) noexcept;

  /// The daemon's answer. Ignored if there is no such call.
  void answer(std::uint64_t correlation, CallReply reply);

  /// Takes the reply of an answered call; the slot is free afterwards.
  CallReply take(Call& call);

  /// Nobody waits any more although the daemon may still answer: the slot stays occupied.
  void abandon(Call& call);

  /// The link is lost. Every call that may have reached a server gets its verdict, calls that
  /// nobody waits for vanish; what is left unanswered is provably not sent or safe to repeat.
  void settle_lost(const std::function<protocol::CallState(std::uint64_t)>& state_of,
                   const Error& why);

  void for_each_unanswered(const std::function<void(Call&)>& visit);
  bool has_unanswered() const noexcept;

 private:
  std::unique_ptr<Call>& slot_of(std::uint64_t correlation) noexcept {
    return slots_[protocol::call_word_index(correlation)];
  }

  /// Kept for the next calls, so that one that is warm allocates nothing.
  static constexpr std::size_t kSparesMax = 8;
  std::unique_ptr<Call> take_spare();
  void free(std::unique_ptr<Call>& slot);

  std::array<std::unique_ptr<Call>, protocol::kCallWindow> slots_;
  std::vector<std::unique_ptr<Call>> spare_;
  std::uint64_t next_correlation_ = 1;
  AutoStart auto_start_;
};

/// What is true of a tools/call whose daemon went silent or died in this state.
CallReply verdict(protocol::CallState state, Error why);

/// The reply of a call that never left us.
CallReply unsent_reply(Error why);

}  // namespace mcpwire::client::detail
