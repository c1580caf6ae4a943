// SPDX-License-Identifier: MIT
//
// RpcServerRequest: a question of a server on its way to a client and back. Lives with whoever
// answers it; the session keeps a list of those that are out.
//
// Threading: the loop's thread.
// Invariants: exactly one answer is handed to the session, the last at destruction; none after the
// session is gone.
#pragma once

#include "io/mcp_transport.hpp"
#include "protocol/base/intrusive_list.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io::detail {

class RpcPending;

class RpcServerRequest final : public ServerRequest, public ListNode {
 public:
  class Owner {
   public:
    /// `line` answers the question, newline and all; it is out no more.
    virtual void on_question_answered(RpcServerRequest& question, std::string line) = 0;

   protected:
    ~Owner() = default;
  };

  RpcServerRequest(Owner& owner, RpcPending& asked_by, std::string_view raw_id,
                   std::string_view method, std::string_view params);
  ~RpcServerRequest() override;

  std::string_view method() const noexcept override { return method_; }
  std::string_view params() const noexcept override { return params_; }
  void answer(std::string_view result_json) override;
  void answer_error(std::string_view error_json) override;
  void refuse() override;

  std::string_view raw_id() const noexcept { return raw_id_; }
  /// The request that the server works on; null once that has ended.
  RpcPending* asked_by() const noexcept { return asked_by_; }
  void forget_request() noexcept { asked_by_ = nullptr; }
  /// The session ends, or the server no longer asks: an answer goes nowhere.
  void forget_owner() noexcept { owner_ = nullptr; }

 private:
  void end(std::string line);

  Owner* owner_;
  RpcPending* asked_by_;
  std::string raw_id_;
  std::string method_;
  std::string params_;
};

}  // namespace mcpwire::io::detail
