// SPDX-License-Identifier: MIT
#include "tools/mcpwire/form.hpp"

#include <nlohmann/json.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <vector>

namespace mcpwire::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDecline = R"({"action":"decline"})";
constexpr const char* kCancel = R"({"action":"cancel"})";

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// What may be chosen, and how each is called.
struct Choices {
  std::vector<std::string> values;
  std::vector<std::string> names;
};

Choices choices_of(const Json& schema) {
  Choices choices;
  for (const char* const key : {"oneOf", "anyOf"}) {
    const auto titled = schema.find(key);
    if (titled == schema.end() || !titled->is_array()) continue;
    for (const Json& choice : *titled) {
      if (!choice.is_object()) continue;
      choices.values.push_back(text_of(choice, "const"));
      choices.names.push_back(text_of(choice, "title"));
    }
    return choices;
  }
  const auto plain = schema.find("enum");
  if (plain == schema.end() || !plain->is_array()) return choices;
  for (const Json& value : *plain) {
    choices.values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
  const auto names = schema.find("enumNames");
  if (names != schema.end() && names->is_array() && names->size() == choices.values.size()) {
    for (const Json& name : *names) {
      choices.names.push_back(name.is_string() ? name.get<std::string>() : std::string());
    }
  }
  return choices;
}

/// The value that `text` stands for by `schema`; nothing: it is none.
std::optional<Json> value_of(const Json& schema, const std::string& text);

std::optional<Json> number_of(const std::string& text, bool is_integer) {
  const Json number = Json::parse(text, nullptr, false);
  if (!number.is_number() || (is_integer && !number.is_number_integer())) return std::nullopt;
  return number;
}

std::optional<Json> list_of(const Json& items, const std::string& text) {
  Json list = Json::array();
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string part = text.substr(at, end - at);
    part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) {
      const std::optional<Json> value = value_of(items, part);
      if (!value) return std::nullopt;
      list.push_back(*value);
    }
    at = end + 1;
  }
  return list;
}

std::optional<Json> value_of(const Json& schema, const std::string& text) {
  const std::string type = text_of(schema, "type");
  if (type == "array") {
    const auto items = schema.find("items");
    return list_of(items == schema.end() ? Json::object() : *items, text);
  }
  if (type == "integer" || type == "number") return number_of(text, type == "integer");
  if (type == "boolean") {
    if (text == "y" || text == "yes" || text == "true") return true;
    if (text == "n" || text == "no" || text == "false") return false;
    return std::nullopt;
  }
  const Choices choices = choices_of(schema);
  if (choices.values.empty()) return text;
  const auto named = std::ranges::find(choices.names, text);
  if (named != choices.names.end() && !text.empty()) {
    return choices.values[static_cast<std::size_t>(named - choices.names.begin())];
  }
  const bool is_one = std::ranges::find(choices.values, text) != choices.values.end();
  return is_one ? std::optional<Json>(text) : std::nullopt;
}

void show_choices(Output& out, const Json& schema) {
  const auto items = schema.find("items");
  const Choices choices = choices_of(items == schema.end() ? schema : *items);
  for (std::size_t index = 0; index < choices.values.size(); ++index) {
    out.own("    ").foreign_line(choices.values[index]);
    if (index < choices.names.size() && !choices.names[index].empty()) {
      out.own("  ").foreign_line(choices.names[index]);
    }
    out.own("\n");
  }
}

enum class FieldEnd { kFilled, kSkipped, kCancelled };

/// Asks for one field until the answer fits.
FieldEnd ask_field(Output& out, Lines& lines, const std::string& name, const Json& schema,
                   bool is_required, Json& content) {
  const std::string title = text_of(schema, "title");
  const std::string description = text_of(schema, "description");
  const auto otherwise = schema.find("default");
  out.own("  ").foreign_line(title.empty() ? name : title);
  if (!description.empty()) out.own(": ").foreign_line(description);
  out.own("\n");
  show_choices(out, schema);
  for (;;) {
    out.own("    ").foreign_line(text_of(schema, "type"));
    if (otherwise != schema.end()) out.own(" [").foreign_line(otherwise->dump()).own("]");
    out.own(is_required ? "> " : " (optional)> ").flush();
    const std::optional<std::string> text = lines.next();
    if (!text) return FieldEnd::kCancelled;
    if (text->empty() && otherwise != schema.end()) {
      content[name] = *otherwise;
      return FieldEnd::kFilled;
    }
    if (text->empty() && !is_required) return FieldEnd::kSkipped;
    const std::optional<Json> value = value_of(schema, *text);
    if (value && !(text->empty() && is_required)) {
      content[name] = *value;
      return FieldEnd::kFilled;
    }
    out.own("    that does not fit\n");
  }
}

/// accept, decline or cancel, by the person's word.
const char* ask_consent(Output& out, Lines& lines, const char* question) {
  for (;;) {
    out.own(question).own(" [y]es, [n]o, [c]ancel> ").flush();
    const std::optional<std::string> word = lines.next();
    if (!word || *word == "c" || *word == "cancel") return "cancel";
    if (*word == "y" || *word == "yes") return "accept";
    if (*word == "n" || *word == "no") return "decline";
  }
}

std::string ask_form(const Json& schema, Output& out, Lines& lines) {
  const auto properties = schema.find("properties");
  Json content = Json::object();
  if (properties != schema.end() && properties->is_object()) {
    const Json required = schema.value("required", Json::array());
    for (const auto& [name, field] : properties->items()) {
      if (!field.is_object()) return kDecline;
      const bool is_required = std::ranges::find(required, Json(name)) != required.end();
      if (ask_field(out, lines, name, field, is_required, content) == FieldEnd::kCancelled) {
        out.own("\n");
        return kCancel;
      }
    }
  }
  const std::string action = ask_consent(out, lines, "Send this?");
  Json result = {{"action", action}};
  if (action == "accept") result["content"] = std::move(content);
  return result.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string> TerminalLines::next() {
  std::string line;
  for (;;) {
    std::array<pollfd, 2> waiting{pollfd{fd_, POLLIN, 0}, pollfd{interrupt_fd_, POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return std::nullopt;
    was_interrupted_ = (waiting[1].revents & POLLIN) != 0;
    if (was_interrupted_) return std::nullopt;
    if (waiting[0].revents == 0) continue;
    char letter = 0;
    const ssize_t bytes = ::read(fd_, &letter, 1);
    if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (bytes <= 0) return std::nullopt;
    if (letter == '\n') return line;
    if (letter != '\r') line += letter;
  }
}

std::string ask_person(std::string_view params_json, std::string_view server, Output& out,
                       Lines& lines) {
  const Json params = Json::parse(params_json, nullptr, false);
  if (!params.is_object()) return kDecline;
  out.own("mcpwire: the server '").foreign_line(server).own("' asks: ");
  out.message(text_of(params, "message")).own("\n");
  if (text_of(params, "mode") == "url") {
    out.own("  It wants you to open  ").foreign_line(text_of(params, "url")).own("\n");
    return Json({{"action", ask_consent(out, lines, "Do you agree?")}}).dump();
  }
  const auto schema = params.find("requestedSchema");
  return ask_form(schema != params.end() && schema->is_object() ? *schema : Json::object(), out,
                  lines);
}

}  // namespace mcpwire::cli
