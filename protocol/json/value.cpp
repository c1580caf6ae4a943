// SPDX-License-Identifier: MIT
#include "protocol/json/value.hpp"

#include "protocol/base/check.hpp"
#include "protocol/json/detail/escapes.hpp"
#include "protocol/json/detail/plain_check.hpp"
#include "protocol/json/detail/walker.hpp"

#include <algorithm>

namespace mcpwire::protocol::json {
namespace {

using detail::Strictness;
using detail::Walker;

/// Index of the requested name that `key` (raw, escapes checked) is, or names.size().
std::size_t find_name(std::string_view key, std::span<const std::string_view> names) {
  std::string decoded;
  if (key.find('\\') != key.npos) {
    // The quotes around the key are there: take_key() cut them off.
    Result<std::string> text = decode_string({key.data() - 1, key.size() + 2});
    if (!text) return names.size();
    decoded = std::move(*text);
    key = decoded;
  }
  return static_cast<std::size_t>(std::ranges::find(names, key) - names.begin());
}

}  // namespace

ValueKind value_kind(std::string_view raw) noexcept {
  MCPWIRE_CHECK(!raw.empty());
  switch (raw[0]) {
    case '{':
      return ValueKind::kObject;
    case '[':
      return ValueKind::kArray;
    case '"':
      return ValueKind::kString;
    case 't':
    case 'f':
      return ValueKind::kBoolean;
    case 'n':
      return ValueKind::kNull;
    default:
      return ValueKind::kNumber;
  }
}

JsonFault ValueReader::prepare(std::string_view json) {
  const JsonFault fault = index_.build(json);
  if (fault != JsonFault::kNone) return fault;
  return detail::check_escapes(json) ? JsonFault::kNone : JsonFault::kEscape;
}

Result<void> ValueReader::finish(JsonFault fault) {
  fault_ = fault;
  index_.release_jumbo();
  if (fault != JsonFault::kNone) return fail(json_error(fault));
  return {};
}

JsonFault ValueReader::check(std::string_view json) {
  if (json.size() > detail::StructuralIndex::kKeptBytesMax) return detail::check_plainly(json);
  if (const JsonFault fault = prepare(json); fault != JsonFault::kNone) return fault;
  Walker walker(json, index_);
  std::string_view raw;
  const JsonFault fault = walker.take_value(raw, Strictness::kFull, 0);
  if (fault != JsonFault::kNone) return fault;
  return walker.at_end() ? JsonFault::kNone : JsonFault::kTrailing;
}

Result<ValueKind> ValueReader::validate(std::string_view json) {
  Result<void> outcome = finish(check(json));
  if (!outcome) return fail(std::move(outcome).error());
  const std::size_t begin = json.find_first_not_of(" \t\r\n");
  return value_kind(json.substr(begin));
}

JsonFault ValueReader::read_fields(std::string_view object, std::span<const std::string_view> names,
                                   std::span<std::string_view> raw_values) {
  if (const JsonFault fault = prepare(object); fault != JsonFault::kNone) return fault;
  Walker walker(object, index_);
  if (!walker.take('{')) return JsonFault::kType;
  if (!walker.take('}')) {
    do {
      std::string_view key;
      std::string_view raw;
      if (const JsonFault fault = walker.take_key(key); fault != JsonFault::kNone) return fault;
      const JsonFault fault = walker.take_value(raw, Strictness::kFull, 1);
      if (fault != JsonFault::kNone) return fault;
      const std::size_t index = find_name(key, names);
      if (index == names.size()) continue;
      if (!raw_values[index].empty()) return JsonFault::kDuplicateKey;
      raw_values[index] = raw;
    } while (walker.take(','));
    if (!walker.take('}')) return JsonFault::kGrammar;
  }
  return walker.at_end() ? JsonFault::kNone : JsonFault::kTrailing;
}

Result<void> ValueReader::extract_fields(std::string_view object,
                                         std::span<const std::string_view> names,
                                         std::span<std::string_view> raw_values) {
  MCPWIRE_CHECK(names.size() == raw_values.size());
  std::ranges::fill(raw_values, std::string_view());
  return finish(read_fields(object, names, raw_values));
}

JsonFault ValueReader::read_members(std::string_view object, std::vector<Member>& members) {
  if (const JsonFault fault = prepare(object); fault != JsonFault::kNone) return fault;
  Walker walker(object, index_);
  if (!walker.take('{')) return JsonFault::kType;
  if (!walker.take('}')) {
    do {
      std::string_view key;
      if (const JsonFault fault = walker.take_key(key); fault != JsonFault::kNone) return fault;
      Member& member = members.emplace_back();
      member.key = {key.data() - 1, key.size() + 2};  // take_key() cut the quotes off.
      const JsonFault fault = walker.take_value(member.value, Strictness::kFull, 1);
      if (fault != JsonFault::kNone) return fault;
    } while (walker.take(','));
    if (!walker.take('}')) return JsonFault::kGrammar;
  }
  return walker.at_end() ? JsonFault::kNone : JsonFault::kTrailing;
}

Result<std::vector<Member>> ValueReader::members(std::string_view object) {
  std::vector<Member> members;
  Result<void> outcome = finish(read_members(object, members));
  if (!outcome) return fail(std::move(outcome).error());
  return members;
}

JsonFault ValueReader::read_elements(std::string_view array, std::vector<std::string_view>& raw) {
  if (const JsonFault fault = prepare(array); fault != JsonFault::kNone) return fault;
  Walker walker(array, index_);
  if (!walker.take('[')) return JsonFault::kType;
  if (!walker.take(']')) {
    do {
      const JsonFault fault = walker.take_value(raw.emplace_back(), Strictness::kFull, 1);
      if (fault != JsonFault::kNone) return fault;
    } while (walker.take(','));
    if (!walker.take(']')) return JsonFault::kGrammar;
  }
  return walker.at_end() ? JsonFault::kNone : JsonFault::kTrailing;
}

Result<std::vector<std::string_view>> ValueReader::elements(std::string_view array) {
  std::vector<std::string_view> raw;
  Result<void> outcome = finish(read_elements(array, raw));
  if (!outcome) return fail(std::move(outcome).error());
  return raw;
}

}  // namespace mcpwire::protocol::json
