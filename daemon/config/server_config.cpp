// SPDX-License-Identifier: MIT
#include "daemon/config/server_config.hpp"

#include "daemon/config/duration.hpp"
#include "daemon/config/escape.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace mcpwire::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kServersKey = "mcpServers";

/// Names that stand more than once. nlohmann keeps the last one silently; which one was meant is
/// for the author of the file to say.
struct Duplicates {
  bool servers_key = false;
  std::map<std::string, std::string, std::less<>> key_by_server;  ///< Empty key: the server itself.
};

class DuplicateFinder {
 public:
  void on_key(int depth, const std::string& key) {
    const auto level = static_cast<std::size_t>(depth) - 1;
    path_.resize(level);
    path_.push_back(key);
    seen_.resize(level + 1);  // what comes below this key starts afresh
    // Elsewhere, objects in arrays repeat each other's keys, and nothing of it is used.
    const bool counts = level == 0 || (path_[0] == kServersKey &&
                                       (level <= 2 || (level == 3 && path_[2] == "env")));
    if (!counts) return;
    if (seen_[level].insert(key).second) return;
    if (level == 0 && key == kServersKey) found_.servers_key = true;
    if (level == 1) found_.key_by_server[key];
    if (level > 1) found_.key_by_server.try_emplace(path_[1], key);
  }

  const Duplicates& found() const noexcept { return found_; }

 private:
  std::vector<std::string> path_;
  std::vector<std::set<std::string, std::less<>>> seen_;
  Duplicates found_;
};

std::string position_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  return std::to_string(line) + ':' + std::to_string(before.size() - line_start + 1);
}

/// nlohmann's own text without its preamble and without the piece of the file it quotes at its end.
std::string reason_of(std::string_view what) {
  const std::size_t reason = what.find(" - ");
  if (reason != std::string_view::npos) what.remove_prefix(reason + 3);
  return escape_unprintable(what.substr(0, what.find("; last read")), LineBreaks::kEscape);
}

Failure invalid(std::string text) {
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid, std::move(text));
}

bool has_control_character(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }) ||
         text.find('\x7f') != std::string_view::npos;
}

bool has_nul(std::string_view text) noexcept { return text.find('\0') != std::string_view::npos; }

/// Reads the values of one server. Faults are texts without the file's and the server's name.
class ServerReader {
 public:
  explicit ServerReader(const Json& object) : object_(object) {}

  Result<bool> disabled() const {
    const auto found = object_.find("disabled");
    if (found == object_.end()) return false;
    if (!found->is_boolean()) return invalid("disabled must be true or false");
    return found->get<bool>();
  }

  Result<void> check_transport() const {
    const auto type = object_.find("type");
    if (type != object_.end()) {
      if (!type->is_string()) return invalid("type must be a string");
      const auto& name = type->get_ref<const std::string&>();
      if (name == "http" || name == "sse" || name == "streamable-http") return not_yet(name);
      if (name != "stdio") return invalid("type must be \"stdio\"");
    }
    return object_.contains("url") ? Result<void>(not_yet("url")) : Result<void>();
  }

  Result<ServerConfig> read() const {
    ServerConfig server;
    server.command = TRY(string("command"));
    if (server.command.empty()) return invalid("command is missing");
    server.working_directory = TRY(string("cwd"));
    server.timeout_ns = TRY(timeout());
    server.arguments = TRY(arguments());
    server.environment = TRY(environment());
    return server;
  }

 private:
  static Failure not_yet(const std::string& what) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kConfigInvalid,
                what + ": servers reached over HTTP are not supported yet");
  }

  Result<std::string> string(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) return std::string();
    if (!found->is_string()) return invalid(std::string(key) + " must be a string");
    auto text = found->get<std::string>();
    if (has_nul(text)) return invalid(std::string(key) + " must not contain a NUL character");
    return text;
  }

  Result<std::uint64_t> timeout() const {
    const auto found = object_.find("timeout");
    if (found == object_.end()) return std::uint64_t{0};
    if (!found->is_number() && !found->is_string()) {
      return invalid("timeout must be a number of seconds or a text such as \"30s\"");
    }
    auto parsed = found->is_string() ? parse_duration(found->get_ref<const std::string&>())
                                     : duration_of_seconds(found->get<double>());
    if (!parsed) return invalid("timeout: " + parsed.error().message());
    return parsed;
  }

  Result<std::vector<std::string>> arguments() const {
    std::vector<std::string> list;
    const auto found = object_.find("args");
    if (found == object_.end()) return list;
    if (!found->is_array()) return invalid("args must be an array of strings");
    for (const Json& argument : *found) {
      const std::string key = "args[" + std::to_string(list.size()) + ']';
      if (!argument.is_string()) return invalid(key + " must be a string");
      list.push_back(argument.get<std::string>());
      if (has_nul(list.back())) return invalid(key + " must not contain a NUL character");
    }
    return list;
  }

  Result<std::vector<std::pair<std::string, std::string>>> environment() const {
    std::vector<std::pair<std::string, std::string>> list;
    const auto found = object_.find("env");
    if (found == object_.end()) return list;
    if (!found->is_object()) return invalid("env must be an object of strings");
    for (const auto& [name, value] : found->items()) {
      const std::string key = "env." + escape_unprintable(name, LineBreaks::kEscape);
      if (name.empty() || has_nul(name) || name.find('=') != std::string::npos) {
        return invalid(key + " is no name of a variable");
      }
      if (!value.is_string()) return invalid(key + " must be a string");
      list.emplace_back(name, value.get<std::string>());
      if (has_nul(list.back().second)) return invalid(key + " must not contain a NUL character");
    }
    return list;
  }

  const Json& object_;
};

Result<void> check_name(const std::string& name) {
  if (name.empty()) return invalid("its name is empty");
  if (name.size() > kServerNameBytesMax) {
    return invalid("its name has more than " + std::to_string(kServerNameBytesMax) + " bytes");
  }
  if (name.find('/') != std::string::npos) {
    return invalid("its name must not contain '/', which separates server and tool");
  }
  if (has_control_character(name)) return invalid("its name contains a control character");
  return {};
}

/// Nothing where the server is disabled.
Result<std::optional<ServerConfig>> read_server(const std::string& name, const Json& object,
                                                const Duplicates& duplicates) {
  const auto duplicate = duplicates.key_by_server.find(name);
  if (duplicate != duplicates.key_by_server.end()) {
    return invalid(duplicate->second.empty()
                       ? std::string("the name stands more than once")
                       : escape_unprintable(duplicate->second, LineBreaks::kEscape) +
                             " stands more than once");
  }
  TRY(check_name(name));
  if (!object.is_object()) return invalid("it must be an object");
  const ServerReader reader(object);
  if (TRY(reader.disabled())) return std::optional<ServerConfig>();
  TRY(reader.check_transport());
  ServerConfig server = TRY(reader.read());
  server.name = name;
  return std::optional(std::move(server));
}

struct ParsedFile {
  Json root;
  Duplicates duplicates;
};

/// The only place where nlohmann may throw.
Result<ParsedFile> parse_file(std::string_view text, const std::string& path) {
  DuplicateFinder finder;
  const auto on_event = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key) finder.on_key(depth, parsed.get_ref<std::string&>());
    return true;
  };
  try {
    Json root = Json::parse(text, on_event, true, true);
    return ParsedFile{std::move(root), finder.found()};
  } catch (const Json::parse_error& error) {
    const std::size_t byte = error.byte == 0 ? 0 : error.byte - 1;
    return invalid(path + ':' + position_of(text, byte) +
                   ": not valid JSON: " + reason_of(error.what()));
  } catch (const Json::exception&) {
    // A number beyond every range, say.
    return invalid(path + ": not valid JSON");
  }
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view text, const std::string& path) {
  if (text.size() > kConfigurationBytesMax) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
                path + ": a configuration may have at most " +
                    std::to_string(kConfigurationBytesMax) + " bytes");
  }
  // nlohmann takes it for the end of the text and would ignore everything behind it.
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    return invalid(path + ':' + position_of(text, nul) + ": not valid JSON: a NUL character");
  }
  const ParsedFile file = TRY(parse_file(text, path));
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
    auto server = read_server(name, object, file.duplicates);
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
