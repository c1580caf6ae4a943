// SPDX-License-Identifier: MIT
#include "daemon/config/resolve.hpp"

#include "daemon/config/escape.hpp"
#include "daemon/config/expand.hpp"
#include "daemon/config/http_syntax.hpp"
#include "protocol/base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace mcpwire::config {
namespace {

constexpr std::array<std::string_view, 6> kInherited = {"HOME",  "LOGNAME", "PATH",
                                                        "SHELL", "TERM",    "USER"};
constexpr std::array<std::string_view, 4> kOfTheTerminal = {"LOGNAME", "SHELL", "TERM", "USER"};
constexpr std::string_view kPathDefault = "/usr/local/bin:/usr/bin:/bin";

class Resolver {
 public:
  Resolver(const ServerConfig& server, const CallerContext& caller, FileSystem& files)
      : server_(server), caller_(caller), files_(files), texts_(caller.environment, server.name) {}

  Result<ResolvedServer> run() {
    ResolvedServer resolved;
    resolved.name = server_.name;
    resolved.type = server_.type;
    resolved.era = server_.era;
    resolved.revision = server_.revision;
    resolved.limits = server_.limits;
    resolved.timeout_ns = server_.timeout_ns;
    Sha256 hash;
    hash.update_field("mcpwire server identity 2");
    hash_settings(hash);
    if (server_.type == ServerType::kStdio) {
      TRY(resolve_process(resolved, hash));
    } else if (server_.type == ServerType::kOther) {
      TRY(resolve_other(resolved, hash));
    } else {
      TRY(resolve_endpoint(resolved, hash));
    }
    resolved.identity = hash.finish();
    return resolved;
  }

 private:
  Result<void> resolve_process(ResolvedServer& resolved, Sha256& hash) {
    EnvironmentMap environment = TRY(configured_environment());
    for (const std::string_view name : kInherited) {
      const auto found = caller_.environment.find(name);
      if (found == caller_.environment.end() || found->second.starts_with("()")) continue;
      environment.emplace(name, found->second);
    }
    const std::string directory = TRY(texts_.expand_path("cwd", server_.working_directory));
    SpawnRequest& process = resolved.process;
    process.working_directory = absolute_path(caller_.config_directory, directory);
    for (const std::string& argument : server_.arguments) {
      const std::string key = "args[" + std::to_string(process.arguments.size()) + ']';
      process.arguments.push_back(TRY(texts_.expand(key, argument)));
    }
    const std::string command = TRY(texts_.expand_path("command", server_.command));
    process.program =
        TRY(find_program(command, process.working_directory, variable(environment, "PATH")));
    process.secrets = texts_.secrets();
    for (const auto& [name, value] : environment) process.environment.push_back(name + '=' + value);
    hash_process(hash, process, environment);
    return {};
  }

  Result<EnvironmentMap> configured_environment() {
    EnvironmentMap environment;
    for (const auto& [name, value] : server_.environment) {
      const std::string key = "env." + escape_unprintable(name, LineBreaks::kEscape);
      environment[name] = TRY(texts_.expand(key, value));
    }
    return environment;
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

  Result<void> resolve_endpoint(ResolvedServer& resolved, Sha256& hash) {
    resolved.url = TRY(texts_.expand("url", server_.url));
    const auto url = check_url(resolved.url);
    if (!url) return texts_.invalid("url", url.error().message());
    for (const auto& [name, value] : server_.headers) {
      const std::string key = "headers." + name;  // A token, so it can be shown.
      std::string expanded = TRY(texts_.expand(key, value));
      const auto checked = check_header_value(expanded);
      if (!checked) return texts_.invalid(key, checked.error().message());
      resolved.headers.emplace_back(name, std::move(expanded));
    }
    resolved.secrets = texts_.secrets();
    resolved.route = route_of(resolved.url, caller_.environment);
    if (!resolved.route.proxy.empty()) resolved.secrets.push_back("proxy=" + resolved.route.proxy);
    hash.update_field(resolved.url);
    hash.update_field(resolved.route.proxy).update_field(resolved.route.no_proxy);
    hash.update_field(resolved.route.ca_file);
    auto headers = resolved.headers;
    for (auto& [name, value] : headers) name = lower_case(name);
    std::ranges::sort(headers);
    for (const auto& [name, value] : headers) hash.update_field(name).update_field(value);
    return {};
  }

  /// What the keys mean is for the kind to say.
  Result<void> resolve_other(ResolvedServer& resolved, Sha256& hash) {
    resolved.type_name = server_.type_name;
    hash.update_field(server_.type_name);
    for (const auto& [key, value] : server_.settings) {
      const std::string shown = escape_unprintable(key, LineBreaks::kEscape);
      resolved.settings.emplace_back(key, TRY(texts_.expand(shown, value)));
      hash.update_field(key).update_field(resolved.settings.back().second);
    }
    resolved.secrets = texts_.secrets();
    return {};
  }

  /// What all kinds of server have, before what only one has.
  void hash_settings(Sha256& hash) const {
    const auto number = [&](std::uint64_t value) { hash.update_field(std::to_string(value)); };
    number(static_cast<std::uint64_t>(server_.type));
    hash.update_field(!server_.era                                  ? ""
                      : *server_.era == protocol::mcp::Era::kLegacy ? "legacy"
                                                                    : "modern");
    hash.update_field(server_.revision ? protocol::mcp::facts_of(*server_.revision).name : "");
    for (const LimitFacts& facts : limit_table()) {
      const auto value = server_.limits.get(facts.key);
      hash.update_field(value ? std::to_string(*value) : "");
    }
  }

  void hash_process(Sha256& hash, const SpawnRequest& process,
                    const EnvironmentMap& environment) const {
    hash.update_field(process.program).update_field(process.working_directory);
    hash.update_field(std::to_string(process.arguments.size()));
    for (const std::string& argument : process.arguments) hash.update_field(argument);
    for (const auto& [name, value] : environment) {
      const bool of_the_terminal = std::ranges::find(kOfTheTerminal, name) != kOfTheTerminal.end();
      if (of_the_terminal && !is_configured(name)) continue;
      hash.update_field(name).update_field(value);
    }
  }

  bool is_configured(std::string_view name) const {
    return std::ranges::any_of(server_.environment,
                               [&](const auto& entry) { return entry.first == name; });
  }

  const ServerConfig& server_;
  const CallerContext& caller_;
  FileSystem& files_;
  Expander texts_;
};

}  // namespace

Result<ResolvedServer> resolve(const ServerConfig& server, const CallerContext& caller,
                               FileSystem& files) {
  return Resolver(server, caller, files).run();
}

}  // namespace mcpwire::config
