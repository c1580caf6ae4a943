// SPDX-License-Identifier: MIT
//
// Questions: the tools that ask their caller something before they answer. Legacy: by a request of
// the server's own while the call waits. Modern: by an `input_required` result, and the call comes
// again with the answers; nothing is kept meanwhile.
#pragma once

#include "protocol/json/envelope.hpp"
#include "protocol/json/value.hpp"
#include "tools/demo_server/replies.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mcpwire::demo {

enum class Question : std::uint8_t { kElicitation, kSampling, kRoots };

class Questions {
 public:
  Questions(protocol::json::ValueReader& reader, std::string& out) : reader_(reader), out_(out) {}

  /// Asks, or answers the call where `params`, of tools/call, bring the answers.
  void ask(const Caller& caller, Question question, std::string_view params);

  /// The client's answer to a request of ours. False: it is none of these.
  bool on_answer(const protocol::json::Envelope& answer);

 private:
  struct Waiting {
    std::string id;  ///< Of the call; raw.
    Revision revision;
  };
  void answer_modern(const Caller& caller, std::string_view responses, std::string_view state);

  protocol::json::ValueReader& reader_;
  std::string& out_;
  std::map<std::string, Waiting, std::less<>> waiting_;  ///< By the raw id of our request.
  std::uint64_t next_id_ = 1;
};

}  // namespace mcpwire::demo
