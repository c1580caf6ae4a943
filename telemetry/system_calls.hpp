// SPDX-License-Identifier: MIT
//
// count_system_call: how many system calls a thread makes for its messages, counted where they are
// made. The one decision: what a message can cost is counted (sockets, eventfds, memory that is
// mapped for it); what is done once for a connection or a process is not, nor what a library does.
// Entries into the kernel for a loop's operations are counted by its backend.
//
// Threading: each thread has its own count.
#pragma once

#include <cstdint>

namespace mcpwire::telemetry {

namespace detail {
inline constinit thread_local std::uint64_t system_calls = 0;
}  // namespace detail

/// Stands before the call: one that is interrupted and made again counts again.
inline void count_system_call() noexcept { ++detail::system_calls; }

/// Of this thread, since it began.
inline std::uint64_t system_calls_of_this_thread() noexcept { return detail::system_calls; }

}  // namespace mcpwire::telemetry
