// SPDX-License-Identifier: MIT
//
// Warden: the daemon's parent. When the daemon is gone, however that came about, the kernel gives
// the warden every process that the daemon's servers have left behind, whatever session or group it
// made for itself: only an ancestor gets those. It ends them all and then itself.
// The guardian (io/guardian_main.hpp) beside it is quicker and ends whole groups at once; a process
// that left its group is out of its reach.
#pragma once

#include "protocol/base/result.hpp"

namespace mcpwire::io {

/// Returns in a new process, in a session of its own, which goes on in the caller's place. The
/// caller's process becomes the warden, lets go of all descriptors and never returns.
/// REQUIRES: no other thread exists. Fails where no process can be made.
Result<void> go_on_under_warden();

}  // namespace mcpwire::io
