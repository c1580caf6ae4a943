// SPDX-License-Identifier: MIT
#include "tools/mcpwire/render_messages.hpp"

#include "tools/mcpwire/detail/json_members.hpp"
#include "tools/mcpwire/render_result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace mcpwire::cli {
namespace {

using Json = nlohmann::ordered_json;

Failure unreadable(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

int digit_of(char letter) noexcept {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t at = kDigits.find(letter);
  return at == kDigits.npos ? -1 : static_cast<int>(at);
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char letter : text) {
    const int digit = digit_of(letter);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

/// A content block as text; one that is none, described.
std::string block_text(const Json& block) {
  const Json wrapped = {{"content", Json::array({block})}};
  const Result<RenderedResult> rendered = render_result(compact(wrapped));
  if (!rendered.has_value()) return {};
  std::string text = rendered->text;
  for (const std::string& note : rendered->notes) text += "(" + note + ")\n";
  return text;
}

}  // namespace

Result<std::vector<ItemLine>> item_lines(std::string_view result_json, const char* key,
                                         const char* name_key) {
  const Json result = Json::parse(result_json, nullptr, false);
  const Json& items = member(result, key);
  if (!items.is_array()) return unreadable("the server's list cannot be read");
  std::vector<ItemLine> lines;
  for (const Json& item : items) {
    ItemLine line{text_member(item, name_key), {}};
    for (const char* const words : {"description", "title", "name"}) {
      if (line.summary.empty()) line.summary = first_line(text_member(item, words));
    }
    if (line.summary == line.name) line.summary.clear();
    if (!line.name.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

Result<std::vector<Contents>> resource_contents(std::string_view result_json) {
  const Json result = Json::parse(result_json, nullptr, false);
  const Json& parts = member(result, "contents");
  if (!parts.is_array()) return unreadable("the server's resource cannot be read");
  std::vector<Contents> all;
  for (const Json& part : parts) {
    Contents contents{text_member(part, "text"), text_member(part, "mimeType"), true};
    const Json& blob = member(part, "blob");
    if (blob.is_string()) {
      std::optional<std::string> bytes = decode_base64(blob.get_ref<const std::string&>());
      if (!bytes) return unreadable("the server's resource is no base64");
      contents.bytes = *std::move(bytes);
      contents.is_text = false;
    }
    all.push_back(std::move(contents));
  }
  return all;
}

Result<std::string> prompt_text(std::string_view result_json) {
  const Json result = Json::parse(result_json, nullptr, false);
  const Json& messages = member(result, "messages");
  if (!messages.is_array()) return unreadable("the server's prompt cannot be read");
  std::string text;
  for (const Json& message : messages) {
    text += text_member(message, "role") + ": " + block_text(member(message, "content"));
  }
  return text;
}

Result<std::string> completion_lines(std::string_view result_json) {
  const Json result = Json::parse(result_json, nullptr, false);
  const Json& values = member(member(result, "completion"), "values");
  if (!values.is_array()) return unreadable("the server's completion cannot be read");
  std::string text;
  for (const Json& value : values) {
    if (value.is_string()) text += first_line(value.get<std::string>()) + "\n";
  }
  return text;
}

std::string progress_text(std::string_view params_json) {
  const Json params = Json::parse(params_json, nullptr, false);
  std::string text = "progress " + compact(member(params, "progress"));
  const Json& total = member(params, "total");
  if (total.is_number()) text += " of " + compact(total);
  const std::string message = text_member(params, "message");
  return message.empty() ? text : text + ": " + message;
}

std::string message_text(std::string_view params_json) {
  const Json params = Json::parse(params_json, nullptr, false);
  const Json& data = member(params, "data");
  std::string text = text_member(params, "level");
  const std::string logger = text_member(params, "logger");
  if (!logger.empty()) text += " " + logger;
  return text + ": " + (data.is_string() ? data.get<std::string>() : compact(data));
}

}  // namespace mcpwire::cli
