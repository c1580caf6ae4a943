// SPDX-License-Identifier: MIT
//
// Listeners: who is told what happens unasked. Legacy clients are told of list changes in any case
// and of resources they subscribed; modern ones by their subscriptions/listen, which stays open.
#pragma once

#include "protocol/json/value.hpp"
#include "tools/demo_server/replies.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace mcpwire::demo {

class Listeners {
 public:
  Listeners(protocol::json::ValueReader& reader, std::string& out) : reader_(reader), out_(out) {}

  /// Answers subscriptions/listen, resources/subscribe, /unsubscribe. False: it is none of them.
  bool answer(const Caller& caller, std::string_view method, std::string_view params);
  /// Ends the listen of that raw id; unknown ids are ignored.
  void cancel(std::string_view id);

  /// `revision`: of the conversation that has been going on.
  void tools_changed(Revision revision);
  /// `uri` is a raw token.
  void resource_updated(std::string_view uri, Revision revision);

 private:
  struct Listen {
    bool wants_tools = false;
    std::set<std::string> uris;  ///< Raw tokens.
  };
  void listen(const Caller& caller, std::string_view params);
  void tell(std::string_view method, std::string_view uri, std::string_view listen_id);

  protocol::json::ValueReader& reader_;
  std::string& out_;
  std::map<std::string, Listen, std::less<>> listens_;  ///< By the raw id.
  std::set<std::string, std::less<>> subscribed_;       ///< Raw tokens.
};

}  // namespace mcpwire::demo
