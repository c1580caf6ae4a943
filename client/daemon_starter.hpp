// SPDX-License-Identifier: MIT
//
// Reaching the daemon: connect to its socket, and start it where none listens. Of many clients
// that find none at the same time the holder of start.lock starts one, the others keep knocking.
//
// Threading: blocking; any thread. Nothing here changes the process's signals or children.
#pragma once

#include "client/types.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/runtime_directory.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::client {

struct StartOptions {
  AutoStart auto_start = AutoStart::kYes;
  std::string daemon_program;  ///< Empty: mcpwired beside the own executable, else from PATH.
  std::uint64_t deadline_ns = kNever;  ///< CLOCK_MONOTONIC, for everything together.
  InterruptSource interrupt;
};

/// A connected SEQPACKET socket. The peer's identity is not checked yet. kDisconnected/
/// kDaemonUnreachable: none runs and none may be started. kTimeout/kDaemonUnreachable: one runs (it
/// holds the lock) and did not listen until the deadline. kDaemonStartFailed with the daemon's own
/// words or the tail of daemon.log, or because a start took too long; kCancelledByCaller.
Result<UniqueFd> reach_daemon(const ring::RuntimeDirectory& directory, const StartOptions& options);

/// Spawns the daemon in its own session, with cwd /, none of our descriptors and a minimal
/// environment, and returns when it listens. kOverloaded: another one holds the lock. REQUIRES: the
/// caller holds start.lock.
Result<void> start_daemon(const ring::RuntimeDirectory& directory, const StartOptions& options);

}  // namespace mcpwire::client
