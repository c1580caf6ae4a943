// SPDX-License-Identifier: MIT
#include "daemon/config/approvals.hpp"

#include "daemon/config/escape.hpp"
#include "daemon/config/http_syntax.hpp"
#include "daemon/config/safety.hpp"
#include "protocol/base/ascii.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace mcpwire::config {
namespace {

constexpr std::size_t kKeyDigits = 64;
constexpr std::string_view kHeader =
    "# Servers that mcpwire may use from configuration files it finds in a directory.\n"
    "# Written by `mcpwire approve`; delete a line to be asked again.\n";

bool is_key(std::string_view text) noexcept {
  return text.size() == kKeyDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// In single quotes for a shell, so that the printed command can be copied as it is.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + '\'';
}

Sha256Digest url_key(const ServerConfig& server, std::string_view config_directory) {
  Sha256 hash;
  hash.update_field("mcpwire approval of a url 2").update_field(config_directory);
  hash.update_field(server.type == ServerType::kSse ? "sse" : "http").update_field(server.url);
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : server.headers) headers.emplace_back(lower_case(name), value);
  std::ranges::sort(headers);
  for (const auto& [name, value] : headers) {
    hash.update_field(name).update_field(value);
  }
  return hash.finish();
}

Sha256Digest other_key(const ServerConfig& server, std::string_view config_directory) {
  Sha256 hash;
  hash.update_field("mcpwire approval of another kind 1").update_field(config_directory);
  hash.update_field(server.type_name);
  for (const auto& [key, value] : server.settings) {
    hash.update_field(key).update_field(value);
  }
  return hash.finish();
}

/// What people read beside the digits. A query may hold a secret.
std::string shown_target(const ServerConfig& server) {
  std::string_view target = server.type_name;
  if (server.type == ServerType::kStdio) target = server.command;
  if (!server.url.empty()) target = std::string_view(server.url).substr(0, server.url.find('?'));
  return escape_unprintable(target, LineBreaks::kEscape);
}

}  // namespace

Sha256Digest approval_key(const ServerConfig& server, std::string_view config_directory) {
  if (server.type == ServerType::kOther) return other_key(server, config_directory);
  if (server.type != ServerType::kStdio) return url_key(server, config_directory);
  Sha256 hash;
  hash.update_field("mcpwire approval 2").update_field(config_directory);
  hash.update_field(server.command).update_field(server.working_directory);
  hash.update_field(std::to_string(server.arguments.size()));
  for (const std::string& argument : server.arguments) hash.update_field(argument);
  auto environment = server.environment;
  std::ranges::sort(environment);
  for (const auto& [name, value] : environment) {
    hash.update_field(name).update_field(value);
  }
  return hash.finish();
}

Result<std::string> approvals_path(const EnvironmentMap& environment) {
  const std::string base = base_directory(environment, "XDG_STATE_HOME", ".local/state");
  if (base.empty()) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                "no place for approvals: neither XDG_STATE_HOME nor HOME is set");
  }
  return base + "/mcpwire/approvals";
}

Result<Approvals> Approvals::load(FileSystem& files, std::string path, std::uint32_t own_uid) {
  Approvals approvals(std::move(path));
  auto contents = files.read(approvals.path_, kApprovalsBytesMax);
  if (!contents) {
    if (is_missing(contents.error())) return approvals;
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigUnreadable,
                approvals.path_ + ": " + contents.error().message());
  }
  const FileStatus directory = TRY(files.status(directory_of(approvals.path_)));
  TRY(check_safe(contents->status, directory, approvals.path_, own_uid));
  approvals.text_ = std::move(contents->text);
  std::string_view rest = approvals.text_;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::string_view key = line.substr(0, line.find(' '));
    if (is_key(key)) approvals.keys_.emplace(key);
  }
  return approvals;
}

bool Approvals::is_approved(const ServerConfig& server, std::string_view config_directory) const {
  return keys_.contains(hex_of(approval_key(server, config_directory)));
}

Result<void> Approvals::approve(FileSystem& files, std::span<const ServerConfig> servers,
                                std::string_view config_directory) {
  auto keys = keys_;
  std::string text = text_.empty() ? std::string(kHeader) : text_;
  if (!text.ends_with('\n')) text += '\n';
  for (const ServerConfig& server : servers) {
    std::string key = hex_of(approval_key(server, config_directory));
    if (!keys.insert(key).second) continue;
    text += key + ' ' + escape_unprintable(server.name, LineBreaks::kEscape) + " in " +
            escape_unprintable(config_directory, LineBreaks::kEscape) + ": " +
            shown_target(server) + '\n';
  }
  if (text.size() > kApprovalsBytesMax) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
                path_ + ": it would become too large; remove old lines from it");
  }
  TRY(files.replace(path_, text));
  keys_ = std::move(keys);
  text_ = std::move(text);
  return {};
}

Error unapproved_error(std::string_view server, std::string_view config_path) {
  return Error::with_detail(
      ErrorKind::kConfiguration, ErrorCode::kConfigUnapproved,
      "server '" + std::string(server) +
          "' comes from a file found in the current directory and is not approved yet; look at it "
          "and approve it with: mcpwire approve " +
          shell_quoted(config_path));
}

}  // namespace mcpwire::config
