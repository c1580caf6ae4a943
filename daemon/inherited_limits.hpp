// SPDX-License-Identifier: MIT
//
// What the daemon inherits from whoever happened to start it, and sheds: it serves all commands of
// its user, not only the one that found no daemon.
//
// Threading: before the first thread is created.
#pragma once

#include <string>

namespace mcpwire::daemon {

/// Raises each soft limit to the hard one, a low hard limit of open files where the kernel allows
/// it, and takes back a lowered priority. Returns what stays that its users will feel, as text for
/// a person; empty: nothing.
std::string shed_inherited_limits();

}  // namespace mcpwire::daemon
