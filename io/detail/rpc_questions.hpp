// SPDX-License-Identifier: MIT
//
// RpcQuestions: what a server asks back in one conversation, on its way to the client whose request
// it works on: which questions are out, and when one of them ends.
//
// Threading: the loop's thread.
#pragma once

#include "io/detail/rpc_server_request.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/json/envelope.hpp"
#include "protocol/json/value.hpp"

#include <string>
#include <string_view>

namespace mcpwire::io::detail {

class RpcPending;

class RpcQuestions final : private RpcServerRequest::Owner {
 public:
  class Owner {
   public:
    /// `line` answers a question, newline and all.
    virtual void on_answer_line(std::string line) = 0;

   protected:
    ~Owner() = default;
  };

  /// Both outlive it.
  RpcQuestions(protocol::json::ValueReader& values, Owner& owner) noexcept
      : values_(values), owner_(owner) {}
  RpcQuestions(const RpcQuestions&) = delete;
  RpcQuestions& operator=(const RpcQuestions&) = delete;
  ~RpcQuestions();

  /// Gives `question` to whoever sent `asked`. False: it is not in flight or nobody there can
  /// answer such a question, which is then the caller's to refuse.
  bool hand_on(const protocol::json::Envelope& question, RpcPending& asked);
  /// The server has taken one back (`params` of notifications/cancelled): whoever has it may
  /// answer, and that goes nowhere.
  void take_back(std::string_view params);
  /// That request has ended.
  void forget(const RpcPending& asked);

 private:
  void on_question_answered(RpcServerRequest& question, std::string line) override;

  protocol::json::ValueReader& values_;
  Owner& owner_;
  IntrusiveList<RpcServerRequest> out_;
};

}  // namespace mcpwire::io::detail
