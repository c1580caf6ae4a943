// SPDX-License-Identifier: MIT
//
// HttpRoute: how the caller's environment says that a URL is reached: by a proxy, or not, and whose
// certificates are trusted. The daemon's own environment is that of whoever started it first.
//
// Threading: pure functions.
#pragma once

#include "daemon/config/paths.hpp"

#include <string>
#include <string_view>

namespace mcpwire::config {

struct HttpRoute {
  std::string proxy;     ///< Empty: none. May hold a password.
  std::string no_proxy;  ///< Hosts that are reached without it.
  std::string ca_file;   ///< In place of the system's certificates; empty: those.
};

/// https_proxy or HTTPS_PROXY, or http_proxy, by the URL's scheme, else all_proxy or ALL_PROXY; and
/// no_proxy or NO_PROXY; SSL_CERT_FILE. HTTP_PROXY does not count, as in libcurl: in a CGI program
/// it comes from a header of the request. client/environment_block.cpp tells the daemon of these.
HttpRoute route_of(std::string_view url, const EnvironmentMap& environment);

}  // namespace mcpwire::config
