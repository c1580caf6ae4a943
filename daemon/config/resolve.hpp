// SPDX-License-Identifier: MIT
//
// resolve: from a server as written to a process that can be started, seen with the caller's eyes.
//
// - ${VAR} and ${VAR:-default} stand for the caller's variables in command, args, env values and
//   cwd; the default also replaces an empty variable. A variable that is missing, and any other
//   form of ${...}, is an error: a server must never receive the text "${TOKEN}" as a token.
//   What was put in is listed in SpawnRequest::secrets, so that no message ever shows it.
// - "~/" at the start of command and cwd is the caller's HOME.
// - A command without a slash is searched in PATH: the one under `env`, else the caller's. Entries
//   that are not absolute are skipped. With a slash it is seen from the working directory.
// - The environment is HOME LOGNAME PATH SHELL TERM USER of the caller (never a value that begins
//   with "()", which old shells execute), overlaid by `env`. Nothing else is inherited.
// - The working directory is `cwd`, seen from the configuration's directory, and that directory
//   itself where there is none. Not the caller's: it differs from call to call, and every
//   directory would get a server of its own.
//
// Two servers with the same identity are one process. TERM, SHELL, LOGNAME and USER of the caller
// do not count: two terminals share.
//
// Threading: looks at the file system (PATH search), so it blocks.
#pragma once

#include "daemon/config/paths.hpp"
#include "daemon/config/server_config.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/base/sha256.hpp"
#include "protocol/base/spawn_request.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::config {

struct CallerContext {
  EnvironmentMap environment;    ///< What the caller sent: the allow-list and what the file names.
  std::string config_directory;  ///< Absolute.
};

struct ResolvedServer {
  std::string name;
  SpawnRequest process;
  std::uint64_t timeout_ns = 0;  ///< Per request; 0: the daemon's default.
  Sha256Digest identity;         ///< Over program, arguments, environment and working directory.
};

/// kConfigInvalid for expansions that fail, kCommandNotFound; both name server and key, no values.
Result<ResolvedServer> resolve(const ServerConfig& server, const CallerContext& caller,
                               FileSystem& files);

}  // namespace mcpwire::config
