// SPDX-License-Identifier: MIT
#include "io/http/parameter_headers.hpp"

#include "io/http/header_codec.hpp"
#include "protocol/base/ascii.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

namespace mcpwire::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMark = "x-mcp-header";
/// Deeper schemas are not looked into: their marks count as invalid.
constexpr int kDepthMax = 32;
/// Integers that every JSON parser reads alike.
constexpr std::int64_t kIntegerMax = (std::int64_t{1} << 53) - 1;

/// Keywords whose value is a schema, a list of schemas, or an object of schemas.
constexpr std::array kSchemaKeywords = {"items",
                                        "contains",
                                        "additionalProperties",
                                        "unevaluatedItems",
                                        "unevaluatedProperties",
                                        "propertyNames",
                                        "not",
                                        "if",
                                        "then",
                                        "else",
                                        "additionalItems",
                                        "contentSchema"};
constexpr std::array kListKeywords = {"allOf", "anyOf", "oneOf", "prefixItems", "items"};
constexpr std::array kMapKeywords = {"$defs", "definitions", "patternProperties",
                                     "dependentSchemas", "dependencies"};

std::optional<ParameterType> type_of(const Json& schema) {
  const auto type = schema.find("type");
  if (type == schema.end() || !type->is_string()) return std::nullopt;
  const auto& name = type->get_ref<const std::string&>();
  if (name == "string") return ParameterType::kString;
  if (name == "integer") return ParameterType::kInteger;
  if (name == "boolean") return ParameterType::kBoolean;
  return std::nullopt;
}

Failure invalid(std::string why) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
              "x-mcp-header: " + std::move(why));
}

/// Walks a schema. Values that are data (default, examples, enum, const) are not looked into.
class MarkReader {
 public:
  Result<ParameterHeaders> read(const Json& root) {
    TRY(walk(root, Place::kRoot, 0));
    return std::move(found_);
  }

 private:
  enum class Place : std::uint8_t { kRoot, kProperty, kElsewhere };

  Result<void> walk(const Json& schema, Place place, int depth) {
    if (!schema.is_object()) return {};
    if (depth > kDepthMax) return invalid("the schema is nested too deeply");
    const auto mark = schema.find(kMark);
    if (mark != schema.end()) TRY(on_mark(*mark, schema, place));
    TRY(walk_properties(schema, place, depth));
    for (const char* const keyword : kSchemaKeywords) {
      const auto below = schema.find(keyword);
      if (below != schema.end()) TRY(walk(*below, Place::kElsewhere, depth + 1));
    }
    TRY(walk_all(schema, Json::value_t::array, kListKeywords, depth));
    return walk_all(schema, Json::value_t::object, kMapKeywords, depth);
  }

  Result<void> walk_properties(const Json& schema, Place place, int depth) {
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->is_object()) return {};
    const Place below = place == Place::kElsewhere ? Place::kElsewhere : Place::kProperty;
    for (const auto& [name, property] : properties->items()) {
      path_.push_back(name);
      TRY(walk(property, below, depth + 1));
      path_.pop_back();
    }
    return {};
  }

  Result<void> walk_all(const Json& schema, Json::value_t kind, const auto& keywords, int depth) {
    for (const char* const keyword : keywords) {
      const auto all = schema.find(keyword);
      if (all == schema.end() || all->type() != kind) continue;
      for (const Json& one : *all) TRY(walk(one, Place::kElsewhere, depth + 1));
    }
    return {};
  }

  Result<void> on_mark(const Json& mark, const Json& schema, Place place) {
    if (place != Place::kProperty) return invalid("not on a property of the arguments");
    if (!mark.is_string()) return invalid("its name is no string");
    const auto& name = mark.get_ref<const std::string&>();
    if (!is_header_name(name)) return invalid("its name is no name of a header");
    const std::optional<ParameterType> type = type_of(schema);
    if (!type.has_value()) return invalid("on a property that is no string, integer or boolean");
    if (!names_.insert(lower_case(name)).second) return invalid("a name stands twice");
    found_.push_back({name, path_, *type});
    return {};
  }

  std::vector<std::string> path_;
  std::set<std::string> names_;
  ParameterHeaders found_;
};

/// Null where the path leads nowhere.
const Json* find_argument(const Json& arguments, const std::vector<std::string>& path) {
  const Json* value = &arguments;
  for (const std::string& name : path) {
    if (!value->is_object()) return nullptr;
    const auto found = value->find(name);
    if (found == value->end()) return nullptr;
    value = &*found;
  }
  return value;
}

std::optional<std::string> integer_text(const Json& value) {
  const auto max = static_cast<double>(kIntegerMax);
  const bool is_number = value.is_number();
  if (!is_number || std::abs(value.get<double>()) > max) return std::nullopt;
  // 42.0 is an integer in JSON Schema.
  if (value.is_number_float() && value.get<double>() != std::floor(value.get<double>())) {
    return std::nullopt;
  }
  return std::to_string(value.is_number_float() ? static_cast<std::int64_t>(value.get<double>())
                                                : value.get<std::int64_t>());
}

std::optional<std::string> header_text(const Json& value, ParameterType type) {
  switch (type) {
    case ParameterType::kString:
      if (!value.is_string()) return std::nullopt;
      return encode_header_value(value.get_ref<const std::string&>());
    case ParameterType::kBoolean:
      if (!value.is_boolean()) return std::nullopt;
      return value.get<bool>() ? "true" : "false";
    case ParameterType::kInteger:
      return integer_text(value);
  }
  return std::nullopt;
}

/// False: its marks are invalid.
bool note_tool(std::string_view text, ToolHeaders& known) {
  const Json tool = Json::parse(text, nullptr, false);
  if (!tool.is_object()) return true;
  const auto name = tool.find("name");
  const auto schema = tool.find("inputSchema");
  if (name == tool.end() || !name->is_string() || schema == tool.end()) return true;
  Result<ParameterHeaders> marks = MarkReader().read(*schema);
  if (!marks.has_value()) return false;
  known[name->get<std::string>()] = *std::move(marks);
  return true;
}

}  // namespace

Result<ParameterHeaders> read_parameter_headers(std::string_view input_schema) {
  const Json schema = Json::parse(input_schema, nullptr, false);
  if (schema.is_discarded()) return invalid("the schema is no JSON");
  return MarkReader().read(schema);
}

std::vector<std::string> parameter_header_lines(const ParameterHeaders& headers,
                                                std::string_view arguments) {
  std::vector<std::string> lines;
  const Json json = Json::parse(arguments, nullptr, false);
  for (const ParameterHeader& header : headers) {
    const Json* const value = find_argument(json, header.path);
    if (value == nullptr) continue;
    const std::optional<std::string> text = header_text(*value, header.type);
    if (text.has_value()) lines.push_back(header_line("Mcp-Param-" + header.name, *text));
  }
  return lines;
}

FilteredTools filter_tools(protocol::json::ValueReader& reader, std::string_view result,
                           ToolHeaders& known) {
  FilteredTools filtered;
  // Most servers mark nothing, and their lists are large.
  const bool may_have_marks =
      result.find(kMark) != std::string_view::npos || result.find('\\') != std::string_view::npos;
  if (!may_have_marks) return filtered;
  static constexpr std::array<std::string_view, 1> kNames = {"tools"};
  std::array<std::string_view, 1> list;
  if (!reader.extract_fields(result, kNames, list).has_value()) return filtered;
  const auto tools = reader.elements(list[0]);
  if (!tools.has_value()) return filtered;
  std::string kept = "[";
  for (const std::string_view tool : *tools) {
    if (!note_tool(tool, known)) {
      ++filtered.dropped;
      continue;
    }
    if (kept.size() > 1) kept += ',';
    kept += tool;
  }
  if (filtered.dropped == 0) return filtered;
  const auto before = static_cast<std::size_t>(list[0].data() - result.data());
  filtered.result.append(result.substr(0, before)).append(kept).append("]");
  filtered.result.append(result.substr(before + list[0].size()));
  return filtered;
}

}  // namespace mcpwire::io
