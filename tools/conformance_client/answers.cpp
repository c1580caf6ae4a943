// SPDX-License-Identifier: MIT
#include "tools/conformance_client/answers.hpp"

#include <string>

namespace mcpwire::conformance {
namespace {

/// Some value of the schema's type; of a choice its first.
Json value_for(const Json& schema) {
  if (!schema.is_object()) return "value";
  if (schema.contains("default")) return schema["default"];
  const Json choices = schema.value("enum", Json::array());
  if (choices.is_array() && !choices.empty()) return choices.front();
  const Json type = schema.value("type", Json("string"));
  if (type == "integer") return 1;
  if (type == "number") return 1.5;
  if (type == "boolean") return true;
  if (type == "array") return Json::array();
  if (type == "object") return Json::object();
  if (type == "null") return nullptr;
  return "value";
}

Json content_for(const Json& requested_schema) {
  Json content = Json::object();
  const Json properties = requested_schema.value("properties", Json::object());
  for (const auto& [name, schema] : properties.items()) content[name] = value_for(schema);
  return content;
}

}  // namespace

Json arguments_for(const Json& input_schema) {
  Json arguments = Json::object();
  if (!input_schema.is_object()) return arguments;
  const Json properties = input_schema.value("properties", Json::object());
  for (const Json& name : input_schema.value("required", Json::array())) {
    if (!name.is_string()) continue;
    arguments[name.get<std::string>()] =
        value_for(properties.value(name.get<std::string>(), Json::object()));
  }
  return arguments;
}

client::ServerAnswer answer_to(std::string_view method, std::string_view params_json) {
  using protocol::ServerAnswerKind;
  const Json params = Json::parse(params_json, nullptr, false);
  if (method == "elicitation/create" && params.is_object()) {
    const Json schema = params.value("requestedSchema", Json::object());
    const Json answer = {{"action", "accept"}, {"content", content_for(schema)}};
    return {ServerAnswerKind::kAnswered, answer.dump()};
  }
  if (method == "sampling/createMessage") {
    const Json answer = {{"role", "assistant"},
                         {"content", {{"type", "text"}, {"text", "an answer"}}},
                         {"model", "none"},
                         {"stopReason", "endTurn"}};
    return {ServerAnswerKind::kAnswered, answer.dump()};
  }
  if (method == "roots/list") return {ServerAnswerKind::kAnswered, R"({"roots":[]})"};
  return {ServerAnswerKind::kRefused, {}};
}

}  // namespace mcpwire::conformance
