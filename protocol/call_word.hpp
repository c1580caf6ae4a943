// SPDX-License-Identifier: MIT
//
// Call words: how far the daemon has come with each call, in memory that survives the daemon.
// The daemon's segment holds a table of words, the client's segment one of the same shape.
//   daemon's word: correlation << 8 | CallState
//   client's word: correlation << 8 | kRevoked
// A word belongs to the call whose correlation id it carries; any other id means "not yet seen".
//
// Ordering: [call.revoke] the client stores kRevoked, then loads the daemon's word; the daemon
// stores kSending, then loads the client's word; all four are seq_cst (ring/call_words.hpp). At
// least one of them sees the other, so a call is never both `not_sent` for the client and written
// to a server.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mcpwire::protocol {

enum class CallState : std::uint8_t {
  kNone = 0,     ///< Not taken out of the ring yet.
  kClaimed = 1,  ///< In the daemon, no byte of it handed to a server.
  kSending = 2,  ///< From here on it may have reached the server.
  kSent = 3,     ///< Completely written.
  kDone = 4,     ///< The answer is in the ring.
};

inline constexpr std::uint8_t kRevoked = 0xff;

/// Calls in flight on one connection; the table's index is the correlation id modulo this.
inline constexpr std::size_t kCallWindow = 256;
static_assert((kCallWindow & (kCallWindow - 1)) == 0);

/// Correlation ids are minted from 1 upwards by the client and fit 56 bits.
inline constexpr std::uint64_t kCorrelationMax = (std::uint64_t{1} << 56) - 1;

constexpr std::size_t call_word_index(std::uint64_t correlation) noexcept {
  return static_cast<std::size_t>(correlation & (kCallWindow - 1));
}
constexpr std::uint64_t make_call_word(std::uint64_t correlation, CallState state) noexcept {
  return correlation << 8 | static_cast<std::uint8_t>(state);
}
constexpr std::uint64_t make_revoked_word(std::uint64_t correlation) noexcept {
  return correlation << 8 | kRevoked;
}
/// The state that `word` tells for the call `correlation`; kNone if the word is another call's.
constexpr CallState call_state_of(std::uint64_t word, std::uint64_t correlation) noexcept {
  const auto state = static_cast<std::uint8_t>(word & 0xff);
  if (word >> 8 != correlation || state > static_cast<std::uint8_t>(CallState::kDone)) {
    return CallState::kNone;
  }
  return static_cast<CallState>(state);
}

/// True if a call in this state may have reached a server.
constexpr bool may_have_been_sent(CallState state) noexcept { return state >= CallState::kSending; }

}  // namespace mcpwire::protocol
