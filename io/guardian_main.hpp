// SPDX-License-Identifier: MIT
//
// guardian_main: the whole of the guardian process. It learns through a pipe which process groups
// belong to the daemon and kills them when the pipe closes, so that even `kill -9` of the daemon
// leaves no server behind, nor a grandchild behind a wrapper.
// The one decision: end of file is the only order to act. It comes when the last holder of the
// write end is gone, whatever ended it, and needs no cooperation.
#pragma once

#include <string>

namespace mcpwire::io {

/// What the guardian is called in lists of processes.
inline constexpr const char* kGuardianName = "mcpwire-guard";

/// Reads records from `pipe_fd` until its end, kills what is left, returns the exit code. The
/// process is expected to do nothing else: all other descriptors are closed, standard streams
/// become /dev/null, the directory /. `cgroups`: path of a CgroupTree that is ended and removed
/// too, with what left the groups; empty: there is none.
int guardian_main(int pipe_fd, const std::string& cgroups);

}  // namespace mcpwire::io
