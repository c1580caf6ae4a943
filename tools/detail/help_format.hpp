// SPDX-License-Identifier: MIT
//
// HelpFormat: how the help of all our programs looks: 80 columns, no types of C++, no lists of
// checks, the programs' closing words once and not below every subcommand.
//
// Threading: none; a formatter has no state.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::tools {

inline constexpr std::size_t kHelpColumns = 80;

/// `text` in lines of at most `columns` letters, broken at spaces; a longer word has its own line.
inline std::string wrapped(std::string_view text, std::size_t columns) {
  std::string lines;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (used != 0) {
      const bool fits = used + 1 + word.size() <= columns;
      lines += fits ? ' ' : '\n';
      used = fits ? used + 1 : 0;
    }
    lines += word;
    used += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class HelpFormat final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = "Usage: " + std::move(name) + " [OPTIONS]";
    for (const CLI::Option* option : app->get_options(is_shown_positional)) {
      usage += ' ' + make_option_usage(option);
    }
    const auto has_name = [](const CLI::App* sub) { return !sub->get_name().empty(); };
    if (!app->get_subcommands(has_name).empty()) usage += " COMMAND";
    return usage + '\n';
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (option->get_type_size() != 0) {
      // Behind the colon stands what the checks say of themselves.
      const std::string full = option->get_type_name();
      const std::string type(plain_type(std::string_view(full).substr(0, full.find(':'))));
      if (!type.empty()) text += ' ' + type;
      if (!option->get_default_str().empty()) text += " (" + option->get_default_str() + ')';
    }
    return text;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), kHelpColumns - get_column_width());
  }

  std::string make_subcommand(const CLI::App* sub) const override {
    std::ostringstream line;
    CLI::detail::format_help(line, sub->get_display_name(true),
                             wrapped(sub->get_description(), kHelpColumns - get_column_width()),
                             get_column_width());
    return line.str();
  }

  std::string make_footer(const CLI::App* app) const override {
    return app->get_parent() == nullptr ? CLI::Formatter::make_footer(app) : std::string();
  }

 private:
  static bool is_shown_positional(const CLI::Option* option) {
    return option->get_positional() && !option->get_group().empty();
  }

  /// A word for a person instead of the type of a variable.
  static std::string_view plain_type(std::string_view type) noexcept {
    using Pair = std::pair<std::string_view, std::string_view>;
    constexpr std::array<Pair, 5> kWords = {
        Pair{"UINT", "N"}, {"INT", "N"}, {"FLOAT", "N"}, {"TEXT", "TEXT"}, {"ENUM", "WORD"}};
    const auto* const found = std::ranges::find(kWords, type, &Pair::first);
    return found == kWords.end() ? type : found->second;
  }
};

}  // namespace mcpwire::tools
