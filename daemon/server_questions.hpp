// SPDX-License-Identifier: MIT
//
// ServerQuestions: what servers ask the client that made one request, and its answers. Untrusted on
// both sides: a server may ask what the client cannot answer, a client may answer anything.
//
// Threading: the loop's thread.
// Invariants: a question leaves in exactly one way: answered, refused by the client, or refused
// with the request's end.
#pragma once

#include "io/mcp_transport.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "protocol/rpc_params.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace mcpwire::daemon {

/// Open questions of one request at most; more are refused.
inline constexpr std::size_t kQuestionsMax = 16;

class ServerQuestions {
 public:
  /// Where questions go.
  class Client {
   public:
    enum class Told : std::uint8_t { kYes, kLater, kNever };
    /// kLater: the client has no room now; tell_waiting() tries again.
    virtual Told tell(std::uint64_t key, std::string_view method, std::string_view params) = 0;

   protected:
    ~Client() = default;
  };

  /// `client` and `reader` outlive it. `abilities` are the client's own words.
  ServerQuestions(Client& client, protocol::json::ValueReader& reader,
                  protocol::mcp::ClientAbilities abilities) noexcept
      : client_(client), reader_(reader), abilities_(abilities) {}

  void ask(std::unique_ptr<io::ServerRequest> question);
  /// The client's word. Ignored if there is no such question any more; what is no JSON object
  /// where one belongs is a refusal.
  void answer(std::uint64_t key, protocol::ServerAnswerKind kind, std::string_view result);
  void tell_waiting();

 private:
  struct Open {
    std::uint64_t key = 0;
    std::unique_ptr<io::ServerRequest> question;
    bool is_told = false;
  };
  std::unique_ptr<io::ServerRequest> take(std::uint64_t key);
  bool tell(Open& open);

  Client& client_;
  protocol::json::ValueReader& reader_;
  protocol::mcp::ClientAbilities abilities_;
  std::uint64_t next_key_ = 1;
  std::vector<Open> open_;
};

}  // namespace mcpwire::daemon
