// SPDX-License-Identifier: MIT
#include "daemon/config/http_route.hpp"

#include "daemon/config/http_syntax.hpp"
#include "protocol/base/ascii.hpp"

#include <initializer_list>

namespace mcpwire::config {
namespace {

/// The first of them that is set and not empty.
std::string first_of(const EnvironmentMap& environment,
                     std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const std::string_view value = variable(environment, name);
    if (!value.empty()) return std::string(value);
  }
  return {};
}

}  // namespace

HttpRoute route_of(std::string_view url, const EnvironmentMap& environment) {
  const bool is_encrypted = lower_case(url.substr(0, 6)) == "https:";
  HttpRoute route;
  route.proxy = is_encrypted ? first_of(environment, {"https_proxy", "HTTPS_PROXY"})
                             : first_of(environment, {"http_proxy"});
  if (route.proxy.empty()) route.proxy = first_of(environment, {"all_proxy", "ALL_PROXY"});
  // Without a proxy its exceptions would tell apart what is the same.
  if (!route.proxy.empty()) route.no_proxy = first_of(environment, {"no_proxy", "NO_PROXY"});
  if (is_encrypted) route.ca_file = first_of(environment, {"SSL_CERT_FILE"});
  return route;
}

}  // namespace mcpwire::config
