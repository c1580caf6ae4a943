// SPDX-License-Identifier: MIT
#include "daemon/config/server_config.hpp"

#include "daemon/config/detail/json_file.hpp"
#include "daemon/config/detail/server_reader.hpp"
#include "daemon/config/escape.hpp"

#include <memory>

namespace mcpwire::config {

using detail::invalid;
using detail::kServersKey;

Result<Configuration> parse_configuration(std::string_view text, const std::string& path) {
  if (text.size() > kConfigurationBytesMax) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
                path + ": a configuration may have at most " +
                    std::to_string(kConfigurationBytesMax) + " bytes");
  }
  const detail::JsonFile file = TRY(detail::parse_json_file(text, path));
  const auto servers = file.root.is_object() ? file.root.find(kServersKey) : file.root.end();
  if (!file.root.is_object() || servers == file.root.end() || !servers->is_object()) {
    return invalid(path + ": it must be an object with an object \"mcpServers\" in it");
  }
  if (file.duplicates.servers_key) {
    return invalid(path + ": \"mcpServers\" stands more than once");
  }
  if (servers->size() > kServersMax) {
    return invalid(path + ": more than " + std::to_string(kServersMax) + " servers");
  }
  Configuration configuration;
  for (const auto& [name, object] : servers->items()) {
    auto server = detail::read_server(name, object, file.duplicates);
    if (!server) {
      Error error = std::move(server).error();
      error.detail = std::make_shared<const std::string>(
          path + ": server '" + escape_unprintable(name, LineBreaks::kEscape) +
          "': " + error.message());
      configuration.problems.push_back({name, std::move(error)});
    } else if (*server) {
      configuration.servers.push_back(std::move(**server));
    }
  }
  return configuration;
}

}  // namespace mcpwire::config
