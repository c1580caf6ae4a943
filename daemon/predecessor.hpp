// SPDX-License-Identifier: MIT
//
// take_instance_lock: the right to serve a runtime directory. A predecessor that is just ending is
// waited for, by its process and not by the clock.
//
// Threading: blocks; before the loop runs.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/runtime_directory.hpp"

#include <cstdint>

namespace mcpwire::daemon {

/// The lock, with our process id written into its file. kOverloaded/kDaemonStartFailed if another
/// daemon still holds it after `patience_ns`.
Result<UniqueFd> take_instance_lock(const ring::RuntimeDirectory& directory,
                                    std::uint64_t patience_ns);

}  // namespace mcpwire::daemon
