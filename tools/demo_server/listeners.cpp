// SPDX-License-Identifier: MIT
#include "tools/demo_server/listeners.hpp"

#include <array>
#include <utility>

namespace mcpwire::demo {

using protocol::json::Writer;

bool Listeners::answer(const Caller& caller, std::string_view method, std::string_view params) {
  const bool is_modern = caller.revision == kModern;
  if (method == "subscriptions/listen" && is_modern) {
    listen(caller, params);
    return true;
  }
  const bool is_subscribe = method == "resources/subscribe";
  if (is_modern || (!is_subscribe && method != "resources/unsubscribe")) return false;
  static constexpr std::array<std::string_view, 1> kNames = {"uri"};
  std::array<std::string_view, 1> uri;
  if (!reader_.extract_fields(params, kNames, uri).has_value() || !uri[0].starts_with('"')) {
    append_error(out_, caller.id, kInvalidParams, "'uri' must be a string");
    return true;
  }
  if (is_subscribe) {
    subscribed_.emplace(uri[0]);
  } else {
    subscribed_.erase(std::string(uri[0]));
  }
  append_result(out_, caller, [](Writer&) {});
  return true;
}

void Listeners::listen(const Caller& caller, std::string_view params) {
  static constexpr std::array<std::string_view, 1> kOuter = {"notifications"};
  static constexpr std::array<std::string_view, 2> kInner = {"toolsListChanged",
                                                             "resourceSubscriptions"};
  std::array<std::string_view, 1> outer;
  std::array<std::string_view, 2> inner;
  if (!reader_.extract_fields(params, kOuter, outer).has_value() ||
      !reader_.extract_fields(outer[0], kInner, inner).has_value()) {
    return append_error(out_, caller.id, kInvalidParams, "'notifications' must be an object");
  }
  Listen listen{inner[0] == "true", {}};
  if (!inner[1].empty()) {
    static_cast<void>(reader_.for_each_element(
        inner[1], [&](std::string_view uri) { listen.uris.emplace(uri); }));
  }
  Writer writer(out_);
  writer.begin_object().key("jsonrpc").string("2.0");
  writer.key("method").string("notifications/subscriptions/acknowledged");
  writer.key("params").begin_object().key("notifications").begin_object();
  if (listen.wants_tools) writer.key("toolsListChanged").boolean(true);
  if (!listen.uris.empty()) writer.key("resourceSubscriptions").raw(inner[1]);
  writer.end_object().key("_meta").begin_object();
  writer.key("io.modelcontextprotocol/subscriptionId").raw(caller.id);
  writer.end_object().end_object().end_object();
  out_ += '\n';
  listens_[std::string(caller.id)] = std::move(listen);
}

void Listeners::cancel(std::string_view id) {
  const auto found = listens_.find(id);
  if (found != listens_.end()) listens_.erase(found);
}

void Listeners::tools_changed(Revision revision) {
  constexpr std::string_view kMethod = "notifications/tools/list_changed";
  if (revision != kModern) return tell(kMethod, {}, {});
  for (const auto& [id, listen] : listens_) {
    if (listen.wants_tools) tell(kMethod, {}, id);
  }
}

void Listeners::resource_updated(std::string_view uri, Revision revision) {
  constexpr std::string_view kMethod = "notifications/resources/updated";
  if (revision != kModern) {
    if (subscribed_.contains(uri)) tell(kMethod, uri, {});
    return;
  }
  for (const auto& [id, listen] : listens_) {
    if (listen.uris.contains(std::string(uri))) tell(kMethod, uri, id);
  }
}

void Listeners::tell(std::string_view method, std::string_view uri, std::string_view listen_id) {
  Writer writer(out_);
  writer.begin_object().key("jsonrpc").string("2.0").key("method").string(method);
  writer.key("params").begin_object();
  if (!uri.empty()) writer.key("uri").raw(uri);
  if (!listen_id.empty()) {
    writer.key("_meta").begin_object();
    writer.key("io.modelcontextprotocol/subscriptionId").raw(listen_id).end_object();
  }
  writer.end_object().end_object();
  out_ += '\n';
}

}  // namespace mcpwire::demo
