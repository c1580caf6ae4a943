// SPDX-License-Identifier: MIT
#include "tools/mcpwire/render_tools.hpp"

#include "daemon/config/escape.hpp"
#include "tools/mcpwire/detail/json_members.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mcpwire::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Objects in objects are listed this deep.
constexpr int kDepthMax = 3;
constexpr std::size_t kEnumShownMax = 12;

Failure not_tools(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

std::string one_line(std::string_view text) {
  return config::escape_unprintable(text, config::LineBreaks::kEscape);
}

std::string first_line(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return "";
  std::string line = text.substr(start, text.find_first_of("\r\n", start) - start);
  line.erase(line.find_last_not_of(" \t") + 1);
  return line;
}

std::string indented(const std::string& text, const std::string& indent) {
  std::string lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines += indent + text.substr(at, end - at);
    lines += '\n';
    at = end + 1;
  }
  return lines;
}

std::string joined(const Json& list, std::string (*shown)(const Json&)) {
  std::string text;
  std::size_t count = 0;
  for (const Json& entry : list) {
    if (count > 0) text += " | ";
    if (count++ == kEnumShownMax) return text + "... (" + std::to_string(list.size()) + ")";
    text += shown(entry);
  }
  return text;
}

std::string type_of(const Json& schema) {
  const Json& one_value = member(schema, "const");
  if (!one_value.is_null()) return compact(one_value);
  const Json& values = member(schema, "enum");
  if (values.is_array() && !values.empty()) return joined(values, compact);
  for (const char* const key : {"anyOf", "oneOf"}) {
    const Json& choices = member(schema, key);
    if (choices.is_array() && !choices.empty()) return joined(choices, type_of);
  }
  const Json& type = member(schema, "type");
  if (type.is_array()) {
    return joined(type, [](const Json& name) {
      return name.is_string() ? one_line(name.get_ref<const std::string&>()) : compact(name);
    });
  }
  const std::string name = one_line(text_member(schema, "type"));
  if (name == "array") {
    const Json& items = member(schema, "items");
    return items.is_object() ? "array of " + type_of(items) : name;
  }
  if (!name.empty()) return name;
  const std::string reference = text_member(schema, "$ref");
  if (!reference.empty()) return one_line(reference.substr(reference.rfind('/') + 1));
  return member(schema, "properties").is_object() ? "object" : "any";
}

std::string limits_of(const Json& schema) {
  constexpr std::array<const char*, 9> kLimits = {"minimum",    "maximum",  "minLength",
                                                  "maxLength",  "minItems", "maxItems",
                                                  "multipleOf", "format",   "pattern"};
  std::string text;
  for (const char* const limit : kLimits) {
    const Json& value = member(schema, limit);
    if (!value.is_null()) text += std::string(", ") + limit + ' ' + compact(value);
  }
  const Json& preset = member(schema, "default");
  return preset.is_null() ? text : text + ", default " + compact(preset);
}

bool is_required(const Json& schema, const std::string& name) {
  const Json& required = member(schema, "required");
  return required.is_array() && std::ranges::find(required, Json(name)) != required.end();
}

/// Lines for the properties of an object schema; `prefix` is the path to it.
std::string describe_properties(const Json& schema, const std::string& prefix, int depth) {
  const Json& properties = member(schema, "properties");
  std::string lines;
  if (!properties.is_object() || depth > kDepthMax) return lines;
  for (const auto& [name, property] : properties.items()) {
    const std::string path = prefix + one_line(name);
    lines += "  " + path + "  " + type_of(property) +
             (is_required(schema, name) ? ", required" : ", optional") + limits_of(property) + '\n';
    lines += indented(text_member(property, "description"), "      ");
    lines += describe_properties(property, path + '.', depth + 1);
    lines += describe_properties(member(property, "items"), path + "[].", depth + 1);
  }
  return lines;
}

std::string describe_annotations(const Json& tool) {
  const Json& annotations = member(tool, "annotations");
  std::string text;
  if (!annotations.is_object()) return text;
  for (const auto& [name, value] : annotations.items()) {
    text += "  " + one_line(name) + ": " + compact(value) + '\n';
  }
  return text;
}

Json example_of(const Json& schema, int depth) {
  for (const char* const key : {"default", "const"}) {
    const Json& value = member(schema, key);
    if (!value.is_null()) return value;
  }
  for (const char* const key : {"examples", "enum"}) {
    const Json& values = member(schema, key);
    if (values.is_array() && !values.empty()) return values.front();
  }
  const std::string type = text_member(schema, "type");
  if (type == "string") return "text";
  if (type == "integer" || type == "number") {
    const Json& smallest = member(schema, "minimum");
    return smallest.is_number() ? smallest : Json(1);
  }
  if (type == "boolean") return true;
  if (type == "array") {
    const Json& items = member(schema, "items");
    return depth < kDepthMax && items.is_object() ? Json::array({example_of(items, depth + 1)})
                                                  : Json::array();
  }
  Json object = Json::object();
  const Json& properties = member(schema, "properties");
  if (!properties.is_object()) return type == "object" || depth == 0 ? object : Json("text");
  for (const auto& [name, property] : properties.items()) {
    if (depth < kDepthMax && is_required(schema, name)) {
      object[name] = example_of(property, depth + 1);
    }
  }
  return object;
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

std::string signature_of(const Json& schema) {
  const Json& properties = member(schema, "properties");
  std::string text = "(";
  if (properties.is_object()) {
    for (const auto& [name, property] : properties.items()) {
      if (text.size() > 1) text += ", ";
      text += one_line(name) + (is_required(schema, name) ? ": " : "?: ") + type_of(property);
    }
  }
  return text + ')';
}

}  // namespace

Result<std::vector<ToolLine>> tool_lines(std::string_view tools_json) {
  const Json tools = Json::parse(tools_json, nullptr, false);
  if (!tools.is_array()) return not_tools("the list of tools is no JSON array");
  std::vector<ToolLine> lines;
  for (const Json& tool : tools) {
    std::string name = text_member(tool, "name");
    if (name.empty()) continue;
    std::string summary = first_line(text_member(tool, "description"));
    if (summary.empty()) summary = first_line(text_member(tool, "title"));
    lines.push_back(
        {std::move(name), signature_of(member(tool, "inputSchema")), std::move(summary)});
  }
  return lines;
}

Result<std::optional<std::string>> find_tool(std::string_view tools_json, std::string_view name) {
  const Json tools = Json::parse(tools_json, nullptr, false);
  if (!tools.is_array()) return not_tools("the list of tools is no JSON array");
  for (const Json& tool : tools) {
    if (!name.empty() && text_member(tool, "name") == name) return std::optional(compact(tool));
  }
  return std::optional<std::string>();
}

Result<std::string> describe_tool(std::string_view server, std::string_view tool_json) {
  const Json tool = Json::parse(tool_json, nullptr, false);
  if (!tool.is_object()) return not_tools("the tool is no JSON object");
  const std::string id = std::string(server) + '/' + text_member(tool, "name");
  const std::string title = text_member(tool, "title");
  std::string text = one_line(id) + (title.empty() ? "" : "  " + one_line(title)) + '\n';
  text += indented(text_member(tool, "description"), "  ");

  const Json& schema = member(tool, "inputSchema");
  const std::string parameters = describe_properties(schema, "", 1);
  text += parameters.empty() ? "\nNo parameters\n" : "\nParameters\n" + parameters;
  const std::string annotations = describe_annotations(tool);
  if (!annotations.empty()) text += "\nAnnotations (the server's own claims)\n" + annotations;
  const std::string results = describe_properties(member(tool, "outputSchema"), "", 1);
  if (!results.empty()) text += "\nStructured result\n" + results;

  const Json arguments = example_of(schema, 0);
  const bool plain_id = id.find_first_of(" '\"\\$`!*?;&|<>()[]{}~#\n\t") == std::string::npos;
  text += "\nExample\n  mcpwire call " + (plain_id ? one_line(id) : shell_quoted(one_line(id))) +
          ' ' + shell_quoted(compact(arguments)) + '\n';
  return text;
}

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string shorten(std::string_view text, std::size_t columns) {
  if (columns == 0 || width_of(text) <= columns) return std::string(text);
  std::size_t characters = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (starts && ++characters == columns) break;
    ++end;
  }
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace mcpwire::cli
