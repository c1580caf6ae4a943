// SPDX-License-Identifier: MIT
//
// HttpEndpoint: where an MCP server is reached over HTTP, complete and resolved.
//
// Threading: a value.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {

/// How to get there, as the caller's environment says.
struct HttpRoute {
  std::string proxy;     ///< Empty: none.
  std::string no_proxy;  ///< Hosts that are reached without it, as `no_proxy` has them.
  std::string ca_file;   ///< Certificates to trust instead of the system's; empty: the system's.
};

struct HttpEndpoint {
  std::string url;  ///< Absolute, http or https, without user, password and fragment.
  /// Names are tokens, unique in either case, and none that the transport sets itself; values hold
  /// no line break. Values are secrets.
  std::vector<std::pair<std::string, std::string>> headers;
  /// What was put into the above in place of ${NAME}, as NAME=value: never to be shown.
  std::vector<std::string> secrets;
  HttpRoute route;
};

}  // namespace mcpwire::io
