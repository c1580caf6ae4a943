// SPDX-License-Identifier: MIT
#include "ring/call_words.hpp"

#include "protocol/base/check.hpp"
#include "ring/detail/shared_word.hpp"

#include <atomic>

namespace mcpwire::ring {

using protocol::CallState;

static std::uint64_t& slot(ControlPage& page, std::uint64_t correlation) noexcept {
  return page.call_words[protocol::call_word_index(correlation)];
}
static const std::uint64_t& slot(const ControlPage& page, std::uint64_t correlation) noexcept {
  return page.call_words[protocol::call_word_index(correlation)];
}

void DaemonCallWords::publish(std::uint64_t correlation, CallState state) noexcept {
  MCPWIRE_CHECK(correlation <= protocol::kCorrelationMax);
  detail::word(slot(*own_.page, correlation))
      .store(protocol::make_call_word(correlation, state),
             std::memory_order_release);  // SYNC [call.state] release
}

bool DaemonCallWords::begin_sending(std::uint64_t correlation) noexcept {
  MCPWIRE_CHECK(correlation <= protocol::kCorrelationMax);
  detail::word(slot(*own_.page, correlation))
      .store(protocol::make_call_word(correlation, CallState::kSending),
             std::memory_order_seq_cst);  // SYNC [call.state] [call.revoke] release
  const std::uint64_t seen = detail::ReadOnlyWord<std::uint64_t>(slot(*client_.page, correlation))
                                 .load(std::memory_order_seq_cst);  // SYNC [call.revoke] acquire
  if (seen != protocol::make_revoked_word(correlation)) return true;
  // A client that saw SENDING in between reports `unknown`, which is never a lie. Any later look
  // is told the truth: the call was not sent and will not be, for the revocation stays.
  publish(correlation, CallState::kClaimed);
  return false;
}

CallState ClientCallWords::revoke(std::uint64_t correlation) noexcept {
  MCPWIRE_CHECK(correlation <= protocol::kCorrelationMax);
  detail::word(slot(*own_.page, correlation))
      .store(protocol::make_revoked_word(correlation),
             std::memory_order_seq_cst);  // SYNC [call.revoke] release
  return state(correlation);
}

CallState ClientCallWords::state(std::uint64_t correlation) const noexcept {
  const std::uint64_t seen =
      detail::ReadOnlyWord<std::uint64_t>(slot(*daemon_.page, correlation))
          .load(std::memory_order_seq_cst);  // SYNC [call.state] [call.revoke] acquire
  return protocol::call_state_of(seen, correlation);
}

}  // namespace mcpwire::ring
