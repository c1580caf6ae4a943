// SPDX-License-Identifier: MIT
#include "tools/demo_server/replies.hpp"

#include "protocol/version.hpp"

namespace mcpwire::demo {

using protocol::json::Writer;

void write_server_info(Writer& writer) {
  writer.begin_object().key("name").string(kServerName);
  writer.key("version").string(kVersion).end_object();
}

void write_common_members(Writer& writer, Revision revision) {
  if (revision != kModern) return;
  writer.key("resultType").string("complete");
  writer.key("_meta").begin_object().key("io.modelcontextprotocol/serverInfo");
  write_server_info(writer);
  writer.end_object();
}

void append_error(std::string& out, std::string_view id, int code, std::string_view message,
                  std::string_view data) {
  Writer writer(out);
  writer.begin_object().key("jsonrpc").string("2.0").key("id").raw(id.empty() ? "null" : id);
  writer.key("error").begin_object().key("code").number(code).key("message").string(message);
  if (!data.empty()) writer.key("data").raw(data);
  writer.end_object().end_object();
  out += '\n';
}

void append_text(std::string& out, const Caller& caller, std::string_view text, IsError is_error) {
  append_result(out, caller, [&](Writer& writer) {
    writer.key("content").begin_array().begin_object();
    writer.key("type").string("text").key("text").string(text).end_object().end_array();
    if (is_error == IsError::kYes) writer.key("isError").boolean(true);
  });
}

}  // namespace mcpwire::demo
