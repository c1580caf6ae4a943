// SPDX-License-Identifier: MIT
//
// redact_environment: takes the secrets of a server's configuration out of what the server wrote,
// before that goes into an error or a log.
//
// Threading: a pure function.
#pragma once

#include <string>
#include <vector>

namespace mcpwire::io::detail {

/// `text` with every value of `environment` (NAME=value) replaced by "[NAME]". Values that are no
/// secrets by their nature (HOME, PATH and the like) or shorter than 4 bytes (they would blot out
/// ordinary words) are left.
std::string redact_environment(std::string text, const std::vector<std::string>& environment);

}  // namespace mcpwire::io::detail
