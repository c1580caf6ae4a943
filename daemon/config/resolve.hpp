// SPDX-License-Identifier: MIT
//
// resolve: from a server as written to a process that can be started, or a URL that can be asked,
// seen with the caller's eyes.
//
// - ${VAR} and ${VAR:-default} stand for the caller's variables in command, args, env values, cwd,
//   url, header values and all texts of a server of another kind; the default also replaces an
//   empty variable. A variable that is missing, and any other form of ${...}, is an error: a server
//   must never receive the text "${TOKEN}" as a token. What was put in is listed as secrets, so
//   that no message ever shows it.
// - "~/" at the start of command and cwd is the caller's HOME.
// - A command without a slash is searched in PATH: the one under `env`, else the caller's. Entries
//   that are not absolute are skipped. With a slash it is seen from the working directory.
// - The environment is HOME LOGNAME PATH SHELL TERM USER of the caller (never a value that begins
//   with "()", which old shells execute), overlaid by `env`. Nothing else is inherited.
// - The working directory is `cwd`, seen from the configuration's directory, and that directory
//   itself where there is none. Not the caller's: it differs from call to call, and every
//   directory would get a server of its own.
//
// Two servers with the same identity are one connection. TERM, SHELL, LOGNAME and USER of the
// caller do not count: two terminals share. Neither do name and timeout.
//
// Threading: looks at the file system (PATH search), so it blocks.
#pragma once

#include "daemon/config/http_route.hpp"
#include "daemon/config/paths.hpp"
#include "daemon/config/server_config.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/base/sha256.hpp"
#include "protocol/base/spawn_request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::config {

struct CallerContext {
  EnvironmentMap environment;    ///< What the caller sent: the allow-list and what the file names.
  std::string config_directory;  ///< Absolute.
};

struct ResolvedServer {
  std::string name;
  ServerType type = ServerType::kStdio;
  SpawnRequest process;  ///< kStdio; its limits are in `limits`.
  std::string url;       ///< Else, checked (http_syntax.hpp), as the headers.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string type_name;                                      ///< kOther.
  std::vector<std::pair<std::string, std::string>> settings;  ///< kOther.
  /// NAME=value of what is in url, headers and settings, and the proxy.
  std::vector<std::string> secrets;
  HttpRoute route;  ///< To the url.
  std::optional<protocol::mcp::Era> era;
  std::optional<protocol::mcp::Revision> revision;
  Limits limits;
  std::uint64_t timeout_ns = 0;  ///< Per request; 0: the daemon's default.
  Sha256Digest identity;         ///< Over all of the above but name and timeout.
};

/// kConfigInvalid for expansions that fail and for what they lead to (a URL that is none),
/// kCommandNotFound; all name server and key, no values.
Result<ResolvedServer> resolve(const ServerConfig& server, const CallerContext& caller,
                               FileSystem& files);

}  // namespace mcpwire::config
