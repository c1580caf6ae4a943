// SPDX-License-Identifier: MIT
#include "tests/explorer/access_list.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>

namespace mcpwire::explorer {

namespace {

constexpr std::array kExplored = {"ring/spsc_ring.hpp", "ring/spsc_producer.cpp",
                                  "ring/spsc_consumer.cpp", "ring/call_words.cpp"};
constexpr const char* kAccessors = "ring/detail/shared_word.hpp";

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream stream(std::string(MCPWIRE_SOURCE_DIR) + '/' + file);
  MCPWIRE_CHECK(stream.good());
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string without_comment(const std::string& line) { return line.substr(0, line.find("//")); }

std::optional<std::memory_order> order_in(const std::string& code) {
  static const std::regex pattern(R"(memory_order(?:_|::)(\w+))");
  std::smatch match;
  if (!std::regex_search(code, match, pattern)) return std::nullopt;
  for (const auto order :
       {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
        std::memory_order_acq_rel, std::memory_order_seq_cst}) {
    if (match[1].str() == order_name(order)) return order;
  }
  MCPWIRE_CHECK(false);
  return std::nullopt;
}

/// Follows which function a line belongs to.
class Place {
 public:
  void read(const std::string& code) {
    static const std::regex class_pattern(R"(^class (?:alignas\(\w+\) )?(\w+))");
    static const std::regex outside_pattern(R"(^\S.*?\b(\w+)::(\w+)\()");
    static const std::regex inside_pattern(R"(^  \S.* (\w+)\(.*\{$)");
    std::smatch match;
    if (std::regex_search(code, match, class_pattern)) {
      class_ = match[1];
    } else if (std::regex_search(code, match, outside_pattern)) {
      function_ = match[1].str() + '_' + match[2].str();
    } else if (std::regex_search(code, match, inside_pattern) && match[1] != "if" &&
               match[1] != "for") {
      if (!class_.empty()) function_ = class_ + '_' + match[1].str();
    }
  }
  const std::string& function() const { return function_; }

 private:
  std::string class_;
  std::string function_;
};

/// The operation stands on the line of its order or in front of it, in the same statement.
bool is_load_above(const std::vector<std::string>& lines, std::size_t index) {
  for (std::size_t back = 0; back < 4 && back <= index; ++back) {
    const std::string code = without_comment(lines[index - back]);
    if (code.find(".load(") != std::string::npos) return true;
    if (code.find(".store(") != std::string::npos) return false;
  }
  MCPWIRE_CHECK(false);
  return false;
}

void add_accesses(const std::string& file, std::vector<Access>& all) {
  const std::vector<std::string> lines = lines_of(file);
  Place place;
  std::map<std::string, int> count;
  std::uint32_t line_first = 1;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string code = without_comment(lines[i]);
    place.read(code);
    const std::optional<std::memory_order> order = order_in(code);
    if (!order) continue;
    const std::string next = i + 1 < lines.size() ? lines[i + 1] : "";
    const bool is_annotated =
        (lines[i] + (code.find(';') == std::string::npos ? next : "")).find("// SYNC") !=
        std::string::npos;
    const auto line = static_cast<std::uint32_t>(i + 1);
    all.push_back({.name = place.function() + '_' + std::to_string(++count[place.function()]),
                   .file = file,
                   .line_first = line_first,
                   .line = line,
                   .order = *order,
                   .is_load = is_load_above(lines, i),
                   .is_annotated = is_annotated});
    line_first = line + 1;
  }
}

std::vector<std::memory_order> weaker_than(const Access& access) {
  using enum std::memory_order;
  const std::memory_order one_way = access.is_load ? acquire : release;
  if (access.order == seq_cst) return {one_way, relaxed};
  if (access.order == one_way) return {relaxed};
  MCPWIRE_CHECK(access.order == relaxed);
  return {};
}

bool uses_accessors(const std::string& line) {
  static const std::regex pattern(R"(\b(?:detail::word\(|ReadOnlyWord\b|commit_word\())");
  return std::regex_search(without_comment(line), pattern);
}

}  // namespace

std::vector<Access> atomic_accesses() {
  std::vector<Access> all;
  for (const char* file : kExplored) add_accesses(file, all);
  return all;
}

std::size_t sync_comments() {
  std::size_t count = 0;
  for (const char* file : kExplored) {
    const std::vector<std::string> lines = lines_of(file);
    count += static_cast<std::size_t>(std::ranges::count_if(
        lines, [](const std::string& line) { return line.find("// SYNC") != std::string::npos; }));
  }
  return count;
}

std::vector<std::string> files_not_explored() {
  const std::filesystem::path root(MCPWIRE_SOURCE_DIR);
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "ring")) {
    const std::string file = std::filesystem::relative(entry.path(), root).string();
    if (!file.ends_with(".hpp") && !file.ends_with(".cpp")) continue;
    if (file == kAccessors || std::ranges::find(kExplored, file) != kExplored.end()) continue;
    const std::vector<std::string> lines = lines_of(file);
    if (std::ranges::any_of(lines, uses_accessors)) {
      found.push_back(file);
    }
  }
  std::ranges::sort(found);
  return found;
}

std::vector<Variant> weakened_variants() {
  std::vector<Variant> all;
  for (const Access& access : atomic_accesses()) {
    const auto add = [&](std::string_view how, std::optional<std::memory_order> order) {
      all.push_back({.name = access.name + '_' + std::string(how),
                     .access = access,
                     .weakening = {.file = access.file,
                                   .line_first = access.line_first,
                                   .line_last = access.line,
                                   .order = order}});
    };
    for (const std::memory_order order : weaker_than(access)) add(order_name(order), order);
    add("left_out", std::nullopt);
  }
  return all;
}

}  // namespace mcpwire::explorer
