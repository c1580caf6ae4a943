// SPDX-License-Identifier: MIT
//
// Approvals: which servers of discovered configuration files their user has agreed to. A file that
// merely lies in the current directory (a cloned project, say) starts nothing before that.
//
// The file holds one line per approved server, `<64 hexadecimal digits> <text for people>`, `#`
// begins a comment. The digits are approval_key(): whatever of it changes asks again.
//
// Threading: values; load and approve block on the file system.
#pragma once

#include "daemon/config/paths.hpp"
#include "daemon/config/server_config.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/base/sha256.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace mcpwire::config {

inline constexpr std::size_t kApprovalsBytesMax = 4 * 1024 * 1024;

/// SHA-256 over the configuration's directory and command, args, cwd and env, or type, url and
/// headers: all of it as written, before expansion. So a variable of the user's own may change its
/// value (a rotated token asks nobody again), but whoever writes the file cannot change a value
/// unnoticed: which variables make a program load other code, no list knows (LD_PRELOAD,
/// npm_config_registry, GIT_CONFIG_GLOBAL...).
Sha256Digest approval_key(const ServerConfig& server, std::string_view config_directory);

/// $XDG_STATE_HOME/mcpwire/approvals, else ~/.local/state/mcpwire/approvals. kConfigInvalid where
/// neither variable is set.
Result<std::string> approvals_path(const EnvironmentMap& environment);

class Approvals {
 public:
  /// A missing file is an empty one. kConfigUnsafe if others may write it, kConfigUnreadable.
  static Result<Approvals> load(FileSystem& files, std::string path, std::uint32_t own_uid);

  bool is_approved(const ServerConfig& server, std::string_view config_directory) const;

  /// Adds the servers and writes the file as one step. Two approvals at the same instant: the
  /// later one wins, and what the other added is asked for again.
  Result<void> approve(FileSystem& files, std::span<const ServerConfig> servers,
                       std::string_view config_directory);

 private:
  explicit Approvals(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::string text_;                         ///< The file as it was read, kept line by line.
  std::set<std::string, std::less<>> keys_;  ///< Hexadecimal digits.
};

/// What is answered instead of starting `server`; the message names the command that approves.
Error unapproved_error(std::string_view server, std::string_view config_path);

}  // namespace mcpwire::config
