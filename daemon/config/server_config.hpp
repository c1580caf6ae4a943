// SPDX-License-Identifier: MIT
//
// ServerConfig: one server of a configuration file, as written and not yet resolved.
// The file has the form that MCP clients share:
//
//   {"mcpServers": {"files": {"command": "npx", "args": ["-y", "pkg"], "timeout": "30s"},
//                   "far":   {"url": "https://mcp.example.com/mcp", "headers": {"X-Key":
//                   "${KEY}"}}}}
//
// All keys are in docs/configuration.md. Comments (// and /* */) are accepted, trailing commas are
// not. Other keys are ignored. A broken server becomes a Problem and never hides the others. No
// value of `args`, `env`, `url` or `headers` ever appears in a message: they hold secrets.
//
// Threading: values; parsing is a pure function and blocks for about 10 ms per MiB.
#pragma once

#include "daemon/config/limits.hpp"
#include "protocol/base/result.hpp"
#include "protocol/mcp/revision.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::config {

inline constexpr std::size_t kConfigurationBytesMax = 1024 * 1024;
inline constexpr std::size_t kServersMax = 1024;
inline constexpr std::size_t kServerNameBytesMax = 128;

/// kOther: a kind that is not built in; whether the daemon knows it is the daemon's to say.
enum class ServerType : std::uint8_t { kStdio, kStreamableHttp, kSse, kOther };

struct ServerConfig {
  std::string name;
  ServerType type = ServerType::kStdio;
  std::string command;  ///< kStdio only, as the next three.
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  ///< Name and value, file order.
  std::string working_directory;                                 ///< Empty: the default.
  std::string url;                                               ///< By HTTP, as the next one.
  std::vector<std::pair<std::string, std::string>> headers;      ///< Name and value, file order.
  std::string type_name;                                         ///< kOther only, as the next one.
  std::vector<std::pair<std::string, std::string>> settings;     ///< Its keys that have a text.
  std::optional<protocol::mcp::Era> era;                         ///< Nothing: found out.
  std::optional<protocol::mcp::Revision> revision;               ///< Likewise; of that era.
  Limits limits;
  std::uint64_t timeout_ns = 0;  ///< Per request; 0: the default.
};

/// Why one server of a readable file cannot be used. The message names the file and the server.
struct Problem {
  std::string server;
  Error error;
};

struct Configuration {
  std::vector<ServerConfig> servers;  ///< In file order; disabled ones left out.
  std::vector<Problem> problems;      ///< In file order.
};

/// Parses a whole file; `path` is only named in messages. Fails with kConfiguration
/// (kConfigInvalid, kTooLarge) where nothing can be used: malformed JSON (file:line:column), no
/// "mcpServers" object.
Result<Configuration> parse_configuration(std::string_view text, const std::string& path);

}  // namespace mcpwire::config
