// SPDX-License-Identifier: MIT
//
// What a URL and headers of a configuration must look like before they go to an HTTP library. Each
// failure is ErrorKind::kInvalid with a reason that shows nothing of the value.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <string_view>

namespace mcpwire::config {

/// http or https, a host, perhaps a port, path and query; printable ASCII only. A user or password
/// in it is refused (it would appear in logs of others: that is what headers are for), and so is a
/// fragment, which is never sent.
Result<void> check_url(std::string_view url);

/// A token (RFC 9110 5.6.2) and no header that the transport sets itself.
Result<void> check_header_name(std::string_view name);

/// No control character but the tabulator: a line break would begin another header.
Result<void> check_header_value(std::string_view value);

}  // namespace mcpwire::config
