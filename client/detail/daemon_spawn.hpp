// SPDX-License-Identifier: MIT
//
// The process that becomes the daemon: in its own session, with cwd / and none of our descriptors.
// Threading: any; nothing here changes the calling process.
#pragma once

#include "protocol/base/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mcpwire::client::detail {

/// mcpwired beside the own executable, or its bare name, which is then looked for in PATH.
std::string default_daemon_program();

/// Starts `program` for the runtime directory; it writes its readiness to `ready_fd`.
Result<pid_t> spawn_daemon(const std::string& program, const std::string& directory, int ready_fd);

/// The daemon's environment: PATH, HOME, MCPWIRE_* and the like out of `environment`, as
/// NAME=value. Nothing that only servers need: clients tell that in HELLO.
std::vector<std::string> daemon_environment(const char* const* environment);

}  // namespace mcpwire::client::detail
