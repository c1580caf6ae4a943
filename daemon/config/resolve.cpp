// SPDX-License-Identifier: MIT
#include "daemon/config/resolve.hpp"

#include "daemon/config/escape.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>

namespace mcpwire::config {
namespace {

constexpr std::array<std::string_view, 6> kInherited = {"HOME",  "LOGNAME", "PATH",
                                                        "SHELL", "TERM",    "USER"};
constexpr std::array<std::string_view, 4> kOfTheTerminal = {"LOGNAME", "SHELL", "TERM", "USER"};
constexpr std::string_view kPathDefault = "/usr/local/bin:/usr/bin:/bin";

/// Limit of one expanded text, above Linux's own limit for one argument (128 KiB).
constexpr std::size_t kExpandedBytesMax = 256 * 1024;

bool is_variable_name(std::string_view name) noexcept {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_digit(c); });
}

class Resolver {
 public:
  Resolver(const ServerConfig& server, const CallerContext& caller, FileSystem& files)
      : server_(server), caller_(caller), files_(files) {}

  Result<ResolvedServer> run() {
    EnvironmentMap environment = TRY(configured_environment());
    for (const std::string_view name : kInherited) {
      const auto found = caller_.environment.find(name);
      if (found == caller_.environment.end() || found->second.starts_with("()")) continue;
      environment.emplace(name, found->second);
    }
    ResolvedServer resolved;
    resolved.name = server_.name;
    resolved.timeout_ns = server_.timeout_ns;
    const std::string directory = TRY(path_value("cwd", server_.working_directory));
    resolved.process.working_directory = absolute_path(caller_.config_directory, directory);
    for (const std::string& argument : server_.arguments) {
      const std::string key = "args[" + std::to_string(resolved.process.arguments.size()) + ']';
      resolved.process.arguments.push_back(TRY(expand(key, argument)));
    }
    const std::string command = TRY(path_value("command", server_.command));
    resolved.process.program = TRY(
        find_program(command, resolved.process.working_directory, variable(environment, "PATH")));
    resolved.identity = identity_of(resolved.process, environment);
    resolved.process.secrets.assign(expanded_.begin(), expanded_.end());
    for (const auto& [name, value] : environment) {
      resolved.process.environment.push_back(name + '=' + value);
    }
    return resolved;
  }

 private:
  Failure invalid(std::string_view key, std::string_view reason) const {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                "server '" + server_.name + "': " + std::string(key) + ": " + std::string(reason));
  }

  Result<EnvironmentMap> configured_environment() {
    EnvironmentMap environment;
    for (const auto& [name, value] : server_.environment) {
      const std::string key = "env." + escape_unprintable(name, LineBreaks::kEscape);
      environment[name] = TRY(expand(key, value));
    }
    return environment;
  }

  Result<std::string> expand(std::string_view key, std::string_view text) {
    std::string expanded;
    while (true) {
      const std::size_t start = text.find("${");
      expanded += text.substr(0, start);
      if (expanded.size() > kExpandedBytesMax) return invalid(key, "it expands to over 256 KiB");
      if (start == std::string_view::npos) return expanded;
      const std::size_t end = text.find('}', start);
      if (end == std::string_view::npos) return invalid(key, "\"${\" without \"}\"");
      expanded += TRY(value_of(key, text.substr(start + 2, end - start - 2)));
      text.remove_prefix(end + 1);
    }
  }

  /// `reference` is what stands between the braces. It is shown only where it is a plain name: a
  /// default may be a secret.
  Result<std::string> value_of(std::string_view key, std::string_view reference) {
    const std::size_t default_mark = reference.find(":-");
    const std::string_view name = reference.substr(0, default_mark);
    if (!is_variable_name(name)) {
      return invalid(key, "only ${NAME} and ${NAME:-default} can be expanded");
    }
    std::string_view value = variable(caller_.environment, name);
    if (default_mark != std::string_view::npos) {
      if (value.empty()) value = reference.substr(default_mark + 2);
    } else if (!caller_.environment.contains(name)) {
      return invalid(key, "the variable " + std::string(name) + " is not set");
    }
    expanded_.insert(std::string(name).append("=").append(value));
    return std::string(value);
  }

  Result<std::string> path_value(std::string_view key, std::string_view text) {
    const bool from_home = text == "~" || text.starts_with("~/");
    if (from_home) text.remove_prefix(1);
    std::string expanded = TRY(expand(key, text));
    if (!from_home) return expanded;
    const std::string_view home = variable(caller_.environment, "HOME");
    if (!home.starts_with('/')) return invalid(key, "\"~\" needs HOME, which is not set");
    return std::string(home) + expanded;
  }

  Result<std::string> find_program(const std::string& command, const std::string& directory,
                                   std::string_view search_path) const {
    if (command.find('/') != std::string::npos) {
      std::string program = absolute_path(directory, command);
      if (files_.is_executable(program)) return program;
      return not_found(command, " is not an executable file");
    }
    if (search_path.empty()) search_path = kPathDefault;
    while (!search_path.empty() && !command.empty()) {
      const std::size_t end = search_path.find(':');
      const std::string_view entry = search_path.substr(0, end);
      search_path.remove_prefix(end == std::string_view::npos ? search_path.size() : end + 1);
      if (!entry.starts_with('/')) continue;
      std::string program = absolute_path(entry, command);
      if (files_.is_executable(program)) return program;
    }
    return not_found(command, " was not found in PATH");
  }

  /// A command that was written with variables is shown as written.
  Failure not_found(const std::string& command, std::string_view reason) const {
    const bool plain = server_.command.find("${") == std::string::npos;
    return fail(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound,
                "server '" + server_.name + "': command " +
                    quote_exactly(plain ? command : server_.command) + std::string(reason));
  }

  Sha256Digest identity_of(const SpawnRequest& process, const EnvironmentMap& environment) const {
    Sha256 hash;
    hash.update_field("mcpwire server identity 1");
    hash.update_field(process.program).update_field(process.working_directory);
    hash.update_field(std::to_string(process.arguments.size()));
    for (const std::string& argument : process.arguments) hash.update_field(argument);
    for (const auto& [name, value] : environment) {
      const bool of_the_terminal = std::ranges::find(kOfTheTerminal, name) != kOfTheTerminal.end();
      if (of_the_terminal && !is_configured(name)) continue;
      hash.update_field(name).update_field(value);
    }
    return hash.finish();
  }

  bool is_configured(std::string_view name) const {
    return std::ranges::any_of(server_.environment,
                               [&](const auto& entry) { return entry.first == name; });
  }

  const ServerConfig& server_;
  const CallerContext& caller_;
  FileSystem& files_;
  std::set<std::string> expanded_;  ///< NAME=value of all that was put in.
};

}  // namespace

Result<ResolvedServer> resolve(const ServerConfig& server, const CallerContext& caller,
                               FileSystem& files) {
  return Resolver(server, caller, files).run();
}

}  // namespace mcpwire::config
