// SPDX-License-Identifier: MIT
#include "io/detail/rpc_server_request.hpp"

#include "io/detail/rpc_messages.hpp"

namespace mcpwire::io::detail {

RpcServerRequest::RpcServerRequest(Owner& owner, RpcPending& asked_by, std::string_view raw_id,
                                   std::string_view method, std::string_view params)
    : owner_(&owner), asked_by_(&asked_by), raw_id_(raw_id), method_(method), params_(params) {}

RpcServerRequest::~RpcServerRequest() { refuse(); }

void RpcServerRequest::answer(std::string_view result_json) {
  if (owner_ != nullptr) end(result_answer_line(raw_id_, result_json));
}

void RpcServerRequest::answer_error(std::string_view error_json) {
  if (owner_ != nullptr) end(error_answer_line(raw_id_, error_json));
}

void RpcServerRequest::refuse() {
  if (owner_ != nullptr) end(refusal_line(raw_id_, method_));
}

void RpcServerRequest::end(std::string line) {
  Owner& owner = *std::exchange(owner_, nullptr);
  owner.on_question_answered(*this, std::move(line));
}

}  // namespace mcpwire::io::detail
