// SPDX-License-Identifier: MIT
#include "tests/io/programs/stdio_adversary.hpp"

#include <string>

namespace mcpwire::adversary {
namespace {

Reply reply_with_id(const Moment& moment, const std::string& id) {
  if (moment.id.empty())
    return write_and_send(R"({"jsonrpc":"2.0","id":)" + id + ",\"result\":{}}\n");
  return write_and_omit(answer(moment, id) + "\n");
}

}  // namespace

void add_exchanges(Behaviours& all) {
  all["id-float"] = [](const Moment& m) {
    return reply_with_id(m, (m.id.empty() ? "1" : m.id) + ".0");
  };
  all["id-null"] = [](const Moment& m) { return reply_with_id(m, "null"); };
  all["id-huge"] = [](const Moment& m) {
    return reply_with_id(m, "99999999999999999999999999999999");
  };
  all["id-string"] = [](const Moment& m) {
    return reply_with_id(m, '"' + (m.id.empty() ? "1" : m.id) + '"');
  };
  all["unknown-id"] = [](const Moment&) {
    return write_and_send(R"({"jsonrpc":"2.0","id":4711,"result":{}})"
                          "\n");
  };
  all["answer-twice"] = [](const Moment& m) {
    if (m.id.empty()) return Reply::kSend;
    return write_and_omit(answer(m) + "\n" + answer(m) + "\n");
  };
  all["late-answer"] = [](const Moment&) {  // To what was answered before: initialize.
    return write_and_send(R"({"jsonrpc":"2.0","id":1,"result":{"late":true}})"
                          "\n");
  };
  all["answer-before-request"] = [](const Moment& m) {
    const std::string next = m.id.empty() ? "2" : std::to_string(std::stol(m.id) + 1);
    return write_and_send(R"({"jsonrpc":"2.0","id":)" + next +
                          R"(,"result":{"early":true}})"
                          "\n");
  };
  all["error-answer"] = [](const Moment& m) {
    if (m.id.empty()) return Reply::kSend;
    return write_and_omit(R"({"jsonrpc":"2.0","id":)" + m.id +
                          R"(,"error":{"code":-32603,"message":"broken"}})"
                          "\n");
  };
  all["asks-ping"] = [](const Moment&) {
    return write_and_send(R"({"jsonrpc":"2.0","id":0,"method":"ping"})"
                          "\n");
  };
  all["asks-the-unknown"] = [](const Moment&) {
    return write_and_send(R"({"jsonrpc":"2.0","id":0,"method":"modern/thing","params":{}})"
                          "\n");
  };
  all["asks-for-ever"] = [](const Moment& m) {
    for (long id = 0; id < m.number; ++id) {
      write_all(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) +
                R"(,"method":"ping"})"
                "\n");
    }
    return Reply::kSend;
  };
  all["progress-flood"] = [](const Moment& m) {
    for (long step = 0; step < m.number; ++step) {
      write_all(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
                (m.token.empty() ? "1" : m.token) + R"(,"progress":)" + std::to_string(step) +
                "}}\n");
    }
    return Reply::kSend;
  };
  all["never-answers"] = [](const Moment& m) { return m.id.empty() ? Reply::kSend : Reply::kOmit; };
}

}  // namespace mcpwire::adversary
