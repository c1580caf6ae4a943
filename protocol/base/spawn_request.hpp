// SPDX-License-Identifier: MIT
//
// SpawnRequest: how an MCP server's process is to be started, complete and resolved.
// Threading: a value.
#pragma once

#include <string>
#include <vector>

namespace mcpwire {

struct SpawnRequest {
  std::string program;                   ///< Absolute path, resolved by the caller.
  std::vector<std::string> arguments;    ///< Behind argv[0], which is `program`.
  std::vector<std::string> environment;  ///< Complete, as NAME=value; nothing is inherited.
  std::string working_directory;         ///< Absolute.
  /// What was put into the above in place of ${NAME}, as NAME=value: never to be shown.
  std::vector<std::string> secrets;
};

}  // namespace mcpwire
