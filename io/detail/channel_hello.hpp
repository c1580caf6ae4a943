// SPDX-License-Identifier: MIT
//
// The daemon's half of the handshake as a pure decision: what HELLO asks for, against what is
// supported. Sockets and memory are io/client_channel's business.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/params.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

struct HelloVerdict {
  std::string refusal;           ///< One line for a person; empty: accepted.
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

std::string build_refusal(std::string_view message, FeatureMask supported);

}  // namespace mcpwire::io::detail
