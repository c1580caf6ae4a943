// SPDX-License-Identifier: MIT
//
// DaemonOptions: what mcpwired is told on its command line.
#pragma once

#include "io/backend_kind.hpp"
#include "pool/transport_kind.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::daemon {

/// The only argument under which this program is the guardian (io/guardian_main.hpp).
inline constexpr const char* kGuardianArgument = "--guardian";

struct DaemonOptions {
  std::string runtime_directory;  ///< Empty: the one that the environment leads to.
  int ready_fd = -1;              ///< Where readiness or the reason of a failure is told.
  /// A server that nobody used for so long is stopped.
  std::uint64_t server_idle_ns = 30 * 60 * kNanosecondsPerSecond;
  /// The daemon ends so long after its last server and client are gone.
  std::uint64_t daemon_idle_ns = 60 * kNanosecondsPerSecond;
  /// Where it is kept in which era servers speak; empty: nowhere.
  std::string era_verdicts_path;
  std::string inherited_limits;   ///< What shed_inherited_limits() returned, for log and status.
  std::uint32_t concurrency = 5;  ///< Servers asked for their tools at the same time.
  std::uint32_t hidden_features = 0;  ///< io::KernelFeature bits to do without.
  /// Loops, each on a thread of its own with its own clients and servers.
  std::uint32_t shards = 1;
  io::BackendKind backend = io::BackendKind::kAutomatic;
  /// Kinds of server beside those built in. They outlive the daemon.
  std::vector<const pool::TransportKind*> kinds;
};

}  // namespace mcpwire::daemon
