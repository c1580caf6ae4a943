// SPDX-License-Identifier: MIT
//
// Process descriptors (pidfds): a process named so that the name cannot come to mean another one,
// and its end as something that can be waited for.
//
// Threading: any thread.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <cstdint>

namespace mcpwire {

/// The process with that id now; empty if there is none (or no descriptor is left).
UniqueFd open_process(std::int32_t process_id) noexcept;

/// Waits for the process to end, at most `patience_ns`. True if it has ended, which is what an
/// empty descriptor says.
bool wait_for_process_end(const UniqueFd& process, std::uint64_t patience_ns) noexcept;

}  // namespace mcpwire
