// SPDX-License-Identifier: MIT
//
// DaemonCallWords and ClientCallWords: the two sides of the call words (protocol/call_word.hpp).
// They answer one question after the other side went silent: may the call have reached a server?
//
// Threading: each side is one thread. No function blocks or allocates.
// Invariants: a slot (correlation modulo protocol::kCallWindow) belongs to one call from the
//   moment its request enters the ring until its answer was taken out, even when the client gave
//   it up in between: the client mints no id of an occupied slot. A client that breaks this
//   deceives only itself.
// Ordering:
//   [call.state]  the daemon stores a state (release) before the deed it announces is visible;
//       the client loads it (acquire).
//   [call.revoke] client: store REVOKED, load the daemon's word; daemon: store SENDING, load the
//       client's word. All four are seq_cst, so at least one side sees the other.
#pragma once

#include "protocol/call_word.hpp"
#include "ring/segment_layout.hpp"

#include <cstdint>

namespace mcpwire::ring {

class DaemonCallWords {
 public:
  /// Writes states into `own`, reads revocations from `client`.
  DaemonCallWords(SegmentMemory own, PeerMemory client) noexcept : own_(own), client_(client) {}

  /// For kClaimed, kSent and kDone; kSending goes through begin_sending().
  void publish(std::uint64_t correlation, protocol::CallState state) noexcept;

  /// To be called before the first byte of the call goes to a server. False: the client revoked
  /// the call, nothing may be written, and the word says kClaimed again, which stays true.
  [[nodiscard]] bool begin_sending(std::uint64_t correlation) noexcept;

 private:
  SegmentMemory own_;
  PeerMemory client_;
};

class ClientCallWords {
 public:
  /// Writes revocations into `own`, reads states from `daemon`.
  ClientCallWords(SegmentMemory own, PeerMemory daemon) noexcept : own_(own), daemon_(daemon) {}

  /// Gives the call up and returns its state. Below kSending the call is not sent and never will
  /// be; from kSending on it may have happened.
  protocol::CallState revoke(std::uint64_t correlation) noexcept;

  /// The call's state, also after the daemon's death. While the daemon lives only revoke() gives
  /// an answer that stays true.
  protocol::CallState state(std::uint64_t correlation) const noexcept;

 private:
  SegmentMemory own_;
  PeerMemory daemon_;
};

}  // namespace mcpwire::ring
