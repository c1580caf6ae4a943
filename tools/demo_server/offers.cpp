// SPDX-License-Identifier: MIT
#include "tools/demo_server/offers.hpp"

#include "protocol/json/string_token.hpp"

#include <array>

namespace mcpwire::demo {
namespace {

using protocol::json::ValueReader;
using protocol::json::Writer;

constexpr std::string_view kReadme = "demo://readme";
constexpr std::string_view kBytes = "demo://bytes";
constexpr std::string_view kItems = "demo://item/";
constexpr std::array<std::string_view, 4> kNames = {"Ada", "Alan", "Barbara", "Grace"};

std::string text_at(ValueReader& reader, std::string_view object, std::string_view name) {
  const std::array<std::string_view, 1> names = {name};
  std::array<std::string_view, 1> raw;
  if (object.empty() || !reader.extract_fields(object, names, raw).has_value()) return {};
  return protocol::json::decode_string(raw[0]).value_or(std::string());
}

std::string_view raw_at(ValueReader& reader, std::string_view object, std::string_view name) {
  const std::array<std::string_view, 1> names = {name};
  std::array<std::string_view, 1> raw;
  if (object.empty() || !reader.extract_fields(object, names, raw).has_value()) return {};
  return raw[0];
}

void write_cache(Writer& writer, const Caller& caller) {
  if (caller.revision == kModern) writer.key("ttlMs").number(0).key("cacheScope").string("public");
}

void list_resources(std::string& out, const Caller& caller) {
  append_result(out, caller, [&](Writer& writer) {
    writer.key("resources").begin_array();
    writer.begin_object().key("uri").string(kReadme).key("name").string("readme");
    writer.key("description").string("A text.").key("mimeType").string("text/plain").end_object();
    writer.begin_object().key("uri").string(kBytes).key("name").string("bytes");
    writer.key("description").string("Four bytes.").end_object().end_array();
    write_cache(writer, caller);
  });
}

void list_templates(std::string& out, const Caller& caller) {
  append_result(out, caller, [&](Writer& writer) {
    writer.key("resourceTemplates").begin_array().begin_object();
    writer.key("uriTemplate").string("demo://item/{id}").key("name").string("item");
    writer.end_object().end_array();
    write_cache(writer, caller);
  });
}

void read(ValueReader& reader, std::string& out, const Caller& caller, std::string_view params) {
  const std::string uri = text_at(reader, params, "uri");
  const bool is_item = uri.starts_with(kItems) && uri.size() > kItems.size();
  if (uri != kReadme && uri != kBytes && !is_item) {
    const int code = caller.revision == kModern ? kInvalidParams : -32002;
    return append_error(out, caller.id, code, "Resource not found: " + uri);
  }
  append_result(out, caller, [&](Writer& writer) {
    writer.key("contents").begin_array().begin_object().key("uri").string(uri);
    if (uri == kBytes) {
      writer.key("blob").string("AAEC/w==");
    } else {
      writer.key("text").string(is_item ? "item " + uri.substr(kItems.size()) : "read me");
    }
    writer.end_object().end_array();
    write_cache(writer, caller);
  });
}

void list_prompts(std::string& out, const Caller& caller) {
  append_result(out, caller, [&](Writer& writer) {
    writer.key("prompts").begin_array().begin_object().key("name").string("greet");
    writer.key("description").string("Greets somebody.").key("arguments").begin_array();
    writer.begin_object().key("name").string("name").key("required").boolean(true).end_object();
    writer.end_array().end_object().end_array();
    write_cache(writer, caller);
  });
}

void get_prompt(ValueReader& reader, std::string& out, const Caller& caller,
                std::string_view params) {
  const std::string name = text_at(reader, params, "name");
  const std::string who = text_at(reader, raw_at(reader, params, "arguments"), "name");
  if (name != "greet" || who.empty()) {
    return append_error(out, caller.id, kInvalidParams, "there is 'greet', with a 'name'");
  }
  append_result(out, caller, [&](Writer& writer) {
    writer.key("messages").begin_array().begin_object().key("role").string("user");
    writer.key("content").begin_object().key("type").string("text");
    writer.key("text").string("Greet " + who + ".").end_object().end_object().end_array();
  });
}

void complete(ValueReader& reader, std::string& out, const Caller& caller,
              std::string_view params) {
  const std::string begun = text_at(reader, raw_at(reader, params, "argument"), "value");
  append_result(out, caller, [&](Writer& writer) {
    writer.key("completion").begin_object().key("values").begin_array();
    for (const std::string_view name : kNames) {
      if (name.starts_with(begun)) writer.string(name);
    }
    writer.end_array().key("hasMore").boolean(false).end_object();
  });
}

}  // namespace

bool answer_offer(ValueReader& reader, std::string& out, const Caller& caller,
                  std::string_view method, std::string_view params) {
  if (method == "resources/list") {
    list_resources(out, caller);
  } else if (method == "resources/templates/list") {
    list_templates(out, caller);
  } else if (method == "resources/read") {
    read(reader, out, caller, params);
  } else if (method == "prompts/list") {
    list_prompts(out, caller);
  } else if (method == "prompts/get") {
    get_prompt(reader, out, caller, params);
  } else if (method == "completion/complete") {
    complete(reader, out, caller, params);
  } else {
    return false;
  }
  return true;
}

}  // namespace mcpwire::demo
