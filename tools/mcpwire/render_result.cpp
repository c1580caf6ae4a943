// SPDX-License-Identifier: MIT
#include "tools/mcpwire/render_result.hpp"

#include "tools/mcpwire/detail/json_members.hpp"

#include <cstddef>

namespace mcpwire::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes that base64 text stands for.
std::size_t decoded_bytes(const std::string& base64) noexcept {
  std::size_t bytes = base64.size() / 4 * 3;
  if (base64.ends_with("==")) return bytes - 2;
  return base64.ends_with('=') ? bytes - 1 : bytes;
}

void append_line(std::string& target, const std::string& text) {
  target += text;
  if (!text.ends_with('\n')) target += '\n';
}

std::string described(const std::string& what, const std::string& type, std::size_t bytes) {
  return what + " (" + (type.empty() ? "unknown type" : type) + ", " + std::to_string(bytes) +
         " bytes)";
}

void render_block(const Json& block, RenderedResult& rendered) {
  const std::string type = text_member(block, "type");
  if (type == "text") {
    append_line(rendered.text, text_member(block, "text"));
    return;
  }
  if (type == "resource" && block.contains("resource")) {
    const Json& resource = block["resource"];
    const std::string uri = text_member(resource, "uri");
    if (resource.is_object() && resource.contains("text")) {
      append_line(rendered.text, text_member(resource, "text"));
    } else {
      rendered.notes.push_back(described("resource " + uri, text_member(resource, "mimeType"),
                                         decoded_bytes(text_member(resource, "blob"))));
    }
    return;
  }
  if (type == "resource_link") {
    rendered.notes.push_back("link to the resource " + text_member(block, "uri"));
    return;
  }
  const std::string data = text_member(block, "data");
  rendered.notes.push_back(described(type.empty() ? "content without a type" : type,
                                     text_member(block, "mimeType"), decoded_bytes(data)));
}

}  // namespace

Result<RenderedResult> render_result(std::string_view result_json) {
  const Json result = Json::parse(result_json, nullptr, false);
  if (!result.is_object()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                "the server's result is no JSON object");
  }
  RenderedResult rendered;
  const auto is_error = result.find("isError");
  if (is_error != result.end() && is_error->is_boolean() && is_error->get<bool>()) {
    rendered.verdict = ToolVerdict::kError;
  }
  const auto content = result.find("content");
  if (content != result.end() && content->is_array() && !content->empty()) {
    for (const Json& block : *content) render_block(block, rendered);
    return rendered;
  }
  const auto structured = result.find("structuredContent");
  if (structured != result.end()) {
    append_line(rendered.text, structured->dump(2, ' ', false, Json::error_handler_t::replace));
  }
  return rendered;
}

std::string peer_error_text(std::string_view error_json) {
  const Json error = Json::parse(error_json, nullptr, false);
  std::string message = text_member(error, "message");
  if (message.empty()) message = "the server answered with an error";
  if (!error.is_object() || !error.contains("code") || !error["code"].is_number()) return message;
  return message + " (code " + error["code"].dump() + ')';
}

std::string json_string(std::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mcpwire::cli
