// SPDX-License-Identifier: MIT
#include "daemon/config/detail/value_reader.hpp"

#include "daemon/config/duration.hpp"
#include "daemon/config/escape.hpp"
#include "daemon/config/nearest_name.hpp"

#include <cstddef>

namespace mcpwire::config::detail {
namespace {

constexpr const char* kNulFault = " must not contain a NUL character";

bool has_nul(std::string_view text) noexcept { return text.find('\0') != std::string_view::npos; }

std::string name_in(const char* key, std::string_view name) {
  return std::string(key) + '.' + escape_unprintable(name, LineBreaks::kEscape);
}

Result<std::uint64_t> read_limit(const LimitFacts& facts, const std::string& key,
                                 const Json& value) {
  std::uint64_t number = 0;
  if (value.is_number_unsigned()) {
    number = value.get<std::uint64_t>();
  } else if (value.is_string() && facts.unit == LimitUnit::kBytes) {
    const auto parsed = parse_bytes(value.get_ref<const std::string&>());
    if (!parsed) return invalid(key + ": " + parsed.error().message());
    number = *parsed;
  } else {
    return invalid(key + (facts.unit == LimitUnit::kBytes
                              ? " must be a number of bytes or a text such as \"64KiB\""
                              : " must be a whole number, not below zero"));
  }
  if (number < facts.least || number > facts.most) {
    return invalid(key + " must be from " + std::to_string(facts.least) + " to " +
                   std::to_string(facts.most));
  }
  return number;
}

Failure unknown_limit(const std::string& name) {
  std::vector<std::string> names;
  for (const LimitFacts& facts : limit_table()) names.emplace_back(facts.name);
  return invalid("limits: " +
                 unknown_name_text("limit", escape_unprintable(name, LineBreaks::kEscape), names));
}

}  // namespace

Result<bool> read_flag(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if (!found->is_boolean()) return invalid(std::string(key) + " must be true or false");
  return found->get<bool>();
}

Result<std::string> read_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return std::string();
  if (!found->is_string()) return invalid(std::string(key) + " must be a string");
  auto text = found->get<std::string>();
  if (has_nul(text)) return invalid(std::string(key) + kNulFault);
  return text;
}

Result<std::vector<std::string>> read_texts(const Json& object, const char* key) {
  std::vector<std::string> list;
  const auto found = object.find(key);
  if (found == object.end()) return list;
  if (!found->is_array()) return invalid(std::string(key) + " must be an array of strings");
  for (const Json& text : *found) {
    const std::string place = std::string(key) + '[' + std::to_string(list.size()) + ']';
    if (!text.is_string()) return invalid(place + " must be a string");
    list.push_back(text.get<std::string>());
    if (has_nul(list.back())) return invalid(place + kNulFault);
  }
  return list;
}

Result<NamedTexts> read_named_texts(const Json& object, const char* key) {
  NamedTexts list;
  const auto found = object.find(key);
  if (found == object.end()) return list;
  if (!found->is_object()) return invalid(std::string(key) + " must be an object of strings");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return invalid(name_in(key, name) + " must be a string");
    list.emplace_back(name, value.get<std::string>());
    if (has_nul(list.back().second)) return invalid(name_in(key, name) + kNulFault);
  }
  return list;
}

Result<std::uint64_t> read_duration(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return std::uint64_t{0};
  if (!found->is_number() && !found->is_string()) {
    return invalid(std::string(key) + " must be a number of seconds or a text such as \"30s\"");
  }
  auto parsed = found->is_string() ? parse_duration(found->get_ref<const std::string&>())
                                   : duration_of_seconds(found->get<double>());
  if (!parsed) return invalid(std::string(key) + ": " + parsed.error().message());
  return parsed;
}

Result<Limits> read_limits(const Json& object, const char* key) {
  Limits limits;
  const auto found = object.find(key);
  if (found == object.end()) return limits;
  if (!found->is_object()) return invalid(std::string(key) + " must be an object of numbers");
  for (const auto& [name, value] : found->items()) {
    const LimitFacts* const facts = find_limit(name);
    // A limit with a misspelt name would not be one.
    if (facts == nullptr) return unknown_limit(name);
    limits.set(facts->key, TRY(read_limit(*facts, name_in(key, name), value)));
  }
  return limits;
}

}  // namespace mcpwire::config::detail
