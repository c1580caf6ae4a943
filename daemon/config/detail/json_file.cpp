// SPDX-License-Identifier: MIT
#include "daemon/config/detail/json_file.hpp"

#include "daemon/config/escape.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

namespace mcpwire::config::detail {
namespace {

/// Objects of a server whose keys count as the server's own do.
constexpr std::array<std::string_view, 3> kObjects = {"env", "headers", "limits"};

class DuplicateFinder {
 public:
  void on_key(int depth, const std::string& key) {
    const auto level = static_cast<std::size_t>(depth) - 1;
    path_.resize(level);
    path_.push_back(key);
    seen_.resize(level + 1);  // what comes below this key starts afresh
    // Elsewhere, objects in arrays repeat each other's keys, and nothing of it is used.
    const bool is_ours = level == 3 && std::ranges::find(kObjects, path_[2]) != kObjects.end();
    const bool counts = level == 0 || (path_[0] == kServersKey && (level <= 2 || is_ours));
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

/// The library's own text without its preamble and without the piece of the file it quotes at its
/// end.
std::string reason_of(std::string_view what) {
  const std::size_t reason = what.find(" - ");
  if (reason != std::string_view::npos) what.remove_prefix(reason + 3);
  return escape_unprintable(what.substr(0, what.find("; last read")), LineBreaks::kEscape);
}

}  // namespace

Failure invalid(std::string text) {
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid, std::move(text));
}

/// The only place where the library may throw.
Result<JsonFile> parse_json_file(std::string_view text, const std::string& path) {
  // The library takes it for the end of the text and would ignore everything behind it.
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    return invalid(path + ':' + position_of(text, nul) + ": not valid JSON: a NUL character");
  }
  DuplicateFinder finder;
  const auto on_event = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key) finder.on_key(depth, parsed.get_ref<std::string&>());
    return true;
  };
  try {
    Json root = Json::parse(text, on_event, true, true);
    return JsonFile{std::move(root), finder.found()};
  } catch (const Json::parse_error& error) {
    const std::size_t byte = error.byte == 0 ? 0 : error.byte - 1;
    return invalid(path + ':' + position_of(text, byte) +
                   ": not valid JSON: " + reason_of(error.what()));
  } catch (const Json::exception&) {
    // A number beyond every range, say.
    return invalid(path + ": not valid JSON");
  }
}

}  // namespace mcpwire::config::detail
