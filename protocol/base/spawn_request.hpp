// SPDX-License-Identifier: MIT
//
// SpawnRequest: how an MCP server's process is to be started, complete and resolved.
// Threading: a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire {

/// What a server's processes may use; 0: as the daemon may. No server ever leaves a core file.
struct ProcessLimits {
  std::uint64_t open_files = 0;           ///< Each process; 0: 1,024, which it may raise.
  std::uint64_t address_space_bytes = 0;  ///< Each process.
  std::uint64_t cpu_seconds = 0;          ///< Each process.
  /// All of the server together, where it has a cgroup with that controller.
  std::uint64_t memory_bytes = 0;
  /// As memory_bytes; without a cgroup it counts all processes of the user.
  std::uint64_t processes = 0;
};

struct SpawnRequest {
  std::string program;                   ///< Absolute path, resolved by the caller.
  std::vector<std::string> arguments;    ///< Behind argv[0], which is `program`.
  std::vector<std::string> environment;  ///< Complete, as NAME=value; nothing is inherited.
  std::string working_directory;         ///< Absolute.
  /// What was put into the above in place of ${NAME}, as NAME=value: never to be shown.
  std::vector<std::string> secrets;
  ProcessLimits limits;
};

}  // namespace mcpwire
