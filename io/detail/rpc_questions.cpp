// SPDX-License-Identifier: MIT
#include "io/detail/rpc_questions.hpp"

#include "io/detail/rpc_pending.hpp"
#include "io/mcp/questions.hpp"

#include <array>
#include <memory>
#include <utility>

namespace mcpwire::io::detail {

RpcQuestions::~RpcQuestions() {
  while (RpcServerRequest* const question = out_.pop_front()) question->forget_owner();
}

bool RpcQuestions::hand_on(const protocol::json::Envelope& question, RpcPending& asked) {
  const RequestOptions& options = asked.options();
  if (options.server_requests == nullptr || !asked.is_in_flight()) return false;
  if (!can_answer(values_, options.abilities, question.method, question.params)) return false;
  RpcServerRequest::Owner& owner = *this;
  auto request = std::make_unique<RpcServerRequest>(owner, asked, question.id, question.method,
                                                    question.params);
  out_.push_back(*request);
  asked.on_question();
  options.server_requests->on_server_request(std::move(request));
  return true;
}

void RpcQuestions::take_back(std::string_view params) {
  if (out_.empty()) return;
  constexpr std::array<std::string_view, 1> kNames = {"requestId"};
  std::array<std::string_view, 1> id;
  if (!values_.extract_fields(params, kNames, id).has_value()) return;
  out_.for_each([&id](RpcServerRequest& question) {
    if (question.raw_id() != id[0]) return;
    question.unlink();
    question.forget_owner();
    if (question.asked_by() != nullptr) question.asked_by()->on_question_answered();
  });
}

void RpcQuestions::forget(const RpcPending& asked) {
  out_.for_each([&asked](RpcServerRequest& question) {
    if (question.asked_by() == &asked) question.forget_request();
  });
}

void RpcQuestions::on_question_answered(RpcServerRequest& question, std::string line) {
  question.unlink();
  if (question.asked_by() != nullptr) question.asked_by()->on_question_answered();
  owner_.on_answer_line(std::move(line));
}

}  // namespace mcpwire::io::detail
