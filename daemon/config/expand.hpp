// SPDX-License-Identifier: MIT
//
// Expander: ${VAR} and ${VAR:-default} in the texts of a configuration, and what was put in.
//
// Threading: a value.
#pragma once

#include "daemon/config/paths.hpp"
#include "protocol/base/result.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::config {

class Expander {
 public:
  /// Both outlive the expander; `server` is for messages.
  Expander(const EnvironmentMap& variables, const std::string& server) noexcept
      : variables_(variables), server_(server) {}

  /// A missing variable without a default and any other form of ${...} are kConfigInvalid, with
  /// server, `key` and the variable's name, and without any value.
  Result<std::string> expand(std::string_view key, std::string_view text);

  /// expand() for a path: "~" and "~/" at its start are the caller's HOME.
  Result<std::string> expand_path(std::string_view key, std::string_view text);

  /// NAME=value of all that was put in, sorted.
  std::vector<std::string> secrets() const { return {put_in_.begin(), put_in_.end()}; }

  /// A failure of this server's `key`.
  Failure invalid(std::string_view key, std::string_view reason) const;

 private:
  Result<std::string> value_of(std::string_view key, std::string_view reference);

  const EnvironmentMap& variables_;
  const std::string& server_;
  std::set<std::string> put_in_;
};

/// The variables that `text` names, in order, each once.
std::vector<std::string> variables_named_in(std::string_view text);

}  // namespace mcpwire::config
