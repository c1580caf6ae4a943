// SPDX-License-Identifier: MIT
//
// MCPWIRE_CHECK: an assertion about our own code that stays on in release builds.
// A failed check is a bug in mcpwire, never a reaction to what a peer or a user did:
// those are Results (protocol/base/result.hpp).
#pragma once

#include <source_location>

namespace mcpwire {

/// Prints `expression` with its place to stderr and aborts. Never returns.
[[noreturn]] void check_failed(const char* expression, std::source_location where) noexcept;

}  // namespace mcpwire

#define MCPWIRE_CHECK(condition) \
  (static_cast<bool>(condition)  \
       ? static_cast<void>(0)    \
       : ::mcpwire::check_failed(#condition, ::std::source_location::current()))
