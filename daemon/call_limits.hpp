// SPDX-License-Identifier: MIT
//
// CallLimits: until when a request may take. One place for the defaults and their order:
// the caller's deadline, the server's `timeout`, the daemon's defaults.
#pragma once

#include "protocol/base/seams/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace mcpwire::daemon {

/// The SDKs' request timeout; progress starts it anew.
inline constexpr std::uint64_t kInactivityNs = 60 * kNanosecondsPerSecond;
/// The specification asks for a limit that nothing moves.
inline constexpr std::uint64_t kTotalNs = 300 * kNanosecondsPerSecond;

struct CallLimits {
  std::uint64_t deadline_ns = kNever;
  std::uint64_t inactivity_ns = kNever;
};

/// `asked_deadline_ns` is the caller's (0: none) and wins over everything; `server_timeout_ns` (0:
/// none) replaces the time without progress and lengthens the total if it is longer.
constexpr CallLimits call_limits(std::uint64_t now_ns, std::uint64_t asked_deadline_ns,
                                 std::uint64_t server_timeout_ns) noexcept {
  if (asked_deadline_ns != 0) return {asked_deadline_ns, kNever};
  if (server_timeout_ns == 0) return {now_ns + kTotalNs, kInactivityNs};
  return {now_ns + std::max(kTotalNs, server_timeout_ns), server_timeout_ns};
}

}  // namespace mcpwire::daemon
