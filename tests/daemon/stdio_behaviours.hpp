// SPDX-License-Identifier: MIT
//
// What servers over stdio get wrong, and what a caller sees of it: the table of
// docs/stdio_behaviours.md, which a test holds against this one.
#pragma once

#include <cstddef>
#include <span>

namespace mcpwire::daemon {

/// One way to misbehave (tests/io/programs/stdio_adversary.cpp), at three moments. A cell is what
/// becomes of the first call after the moment: its outcome, and the reason where it has one;
/// "ends:" and the reason where the server's connection ends before there is a call. Empty: it
/// makes no sense at that moment.
struct StdioBehaviour {
  const char* name;
  long number;  ///< How much of it; scaled down from what servers do, with the limits below.
  const char* before_init;
  const char* idle;
  const char* in_call;
};

/// Limits of the servers in the table.
inline constexpr std::size_t kTestLineBytes = std::size_t{1} << 20;
inline constexpr unsigned kTestJunkLines = 100;

std::span<const StdioBehaviour> stdio_behaviours() noexcept;

}  // namespace mcpwire::daemon
