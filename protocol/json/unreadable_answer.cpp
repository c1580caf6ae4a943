// SPDX-License-Identifier: MIT
#include "protocol/json/unreadable_answer.hpp"

#include "protocol/json/detail/token.hpp"

#include <charconv>
#include <cstddef>

namespace mcpwire::protocol::json {
namespace {

using detail::is_space;

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return detail::trim_end(text);
}

/// Reads the top-level members of an object as text, following nothing but quotes and brackets.
class Members {
 public:
  explicit Members(std::string_view object) noexcept : text_(object) {}

  /// The next member; false at the end, or where there is no telling.
  bool next(std::string_view& key, std::string_view& value) noexcept {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != '"') return false;
    const std::size_t key_begin = at_ + 1;
    if (!skip_string()) return false;
    key = text_.substr(key_begin, at_ - 1 - key_begin);
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != ':') return false;
    const std::size_t value_begin = ++at_;
    const bool ended = skip_value();
    value = trim(text_.substr(value_begin, at_ - value_begin));
    if (ended) ++at_;
    return true;
  }

 private:
  void skip_spaces() noexcept {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  /// From an opening quote to behind the closing one.
  bool skip_string() noexcept {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    at_ = text_.size();
    return false;
  }
  /// To the comma or bracket that ends a value; false where the text ends first.
  bool skip_value() noexcept {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!skip_string()) return false;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}')) return true;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && depth > 0) --depth;
      ++at_;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<std::uint64_t> number_of(std::string_view token) noexcept {
  if (token.size() >= 2 && token.front() == '"' && token.back() == '"') {
    token = token.substr(1, token.size() - 2);
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::uint64_t> unreadable_answer_id(std::string_view line) noexcept {
  line = trim(line);
  if (line.starts_with('[')) line = trim(line.substr(1));
  if (!line.starts_with('{')) return std::nullopt;
  Members members(line.substr(1));
  std::optional<std::uint64_t> id;
  int ids = 0;
  bool has_version = false;
  bool has_answer = false;
  std::string_view key;
  std::string_view value;
  while (members.next(key, value)) {
    if (key == "method") return std::nullopt;
    has_version = has_version || key == "jsonrpc";
    has_answer = has_answer || key == "result" || key == "error";
    if (key != "id") continue;
    ++ids;
    id = number_of(value);
  }
  return ids == 1 && has_version && has_answer ? id : std::nullopt;
}

}  // namespace mcpwire::protocol::json
