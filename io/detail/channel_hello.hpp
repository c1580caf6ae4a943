// SPDX-License-Identifier: MIT
//
// The daemon's half of the handshake as a pure decision: what HELLO asks for, against what is
// supported; and a refusal. The rest of the handshake is io/detail/channel_handshake.cpp.
//
// Threading: any thread.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/params.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace mcpwire::io::detail {

struct HelloVerdict {
  std::optional<Error> refusal;  ///< With a line for a person.
  std::uint32_t ring_bytes = 0;  ///< Of both rings; 0: no shared memory.
  std::uint64_t features = 0;
  bool requires_shared_memory = false;

  /// What is agreed where this side turns out to have no memory to share.
  void withhold_shared_memory(const Error& why);
};

/// Features that a HELLO may ask for; the rest of feature::kSupported is withheld.
using FeatureMask = std::uint64_t;

/// kInvalid/kProtocolViolation for a HELLO that no correct client sends; a HELLO that asks for what
/// is not there is a refusal, not a violation.
Result<HelloVerdict> judge_hello(ByteSpan payload, FeatureMask supported);

std::string build_refusal(const Error& why, FeatureMask supported);

/// Tells the client; if that cannot be sent, the closed connection has to do.
void send_refusal(int socket_fd, std::uint64_t correlation, const Error& why) noexcept;

}  // namespace mcpwire::io::detail
