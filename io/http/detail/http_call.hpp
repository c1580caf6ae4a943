// SPDX-License-Identifier: MIT
//
// HttpCall: one JSON-RPC request over HTTP: its POST, the stream that answers it, and where the
// revision has it the streams that go on with a broken one.
//
// The sent/not-sent line: a connection that is not made, or a body of which the kernel took no
// byte, ends as kNotSent; a final HTTP status that refuses (4xx, 3xx) as kRejected; 5xx and
// everything that breaks off later as kUnknown.
//
// A stream whose client has no room for what it tells is held: what came of it is kept, the rest
// stays with the server, whose silence then does not count. Other calls go on.
//
// Threading: the loop's thread.
// Invariants: its owner outlives it; the first ending wins (RpcPending).
#pragma once

#include "io/detail/rpc_pending.hpp"
#include "io/http/detail/http_peer.hpp"
#include "io/http/detail/response_reader.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/json/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

/// What a refused call needs before it may be sent once more.
enum class Recovery : std::uint8_t {
  kNone,
  kSession,  ///< The server does not know the session any more.
  kTools,    ///< The headers of the parameters are not those of the tool's present schema.
};

class HttpCall final : public ListNode,
                       private HttpSink,
                       private ResponseReader::Sink,
                       private ProgressSink::RoomObserver,
                       private Timer {
 public:
  class Owner {
   public:
    /// A message on a stream of this call's.
    virtual void on_call_message(HttpCall& call, std::string_view json, LargeLine memory) = 0;
    /// The call was refused and did not run: start() it again, or fail() it, later.
    virtual void on_recoverable(HttpCall& call, Recovery what) = 0;
    /// A call that was left to its stream's end is done. Destroys it.
    virtual void on_tail_end(HttpCall& call) = 0;

   protected:
    ~Owner() = default;
  };

  struct Message {
    std::uint64_t id = 0;
    std::string method;
    std::string params;  ///< As the caller gave them.
    std::shared_ptr<const std::string> body;
    bool is_handshake = false;
  };

  HttpCall(HttpPeer& peer, Owner& owner, Message message, const RequestOptions& options);
  ~HttpCall();

  RpcPending& pending() noexcept { return pending_; }
  const Message& message() const noexcept { return message_; }

  /// Sends it. REQUIRES: not under way.
  void start();
  /// The answer, from whatever stream.
  void on_response(const protocol::json::Envelope& response, LargeLine memory = {});
  /// A message on one of its streams was none; `fault` is a constant.
  void note_fault(std::string_view fault) noexcept { fault_ = fault; }
  /// It ends as refused.
  void refuse(const Error& why) { pending_.on_refused(why); }

  /// The HTTP status of its POST; 0 if there was none.
  int status() const noexcept { return head_.status; }
  const HttpHead& head() const noexcept { return head_; }
  /// The session that the last attempt named.
  const std::string& session_used() const noexcept { return session_used_; }

  /// True if the server has answered and has yet to end its stream: cutting that off would cost
  /// the connection.
  bool has_tail() const noexcept;
  /// Waits for the stream's end, for a while, then tells the owner.
  void become_tail();

 private:
  enum class Phase : std::uint8_t { kIdle, kAsking, kResuming, kTail };

  bool may_send() override;
  void on_head(const HttpHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_end(const HttpEnd& end) override;
  void on_message(std::string_view json, LargeLine memory) override;
  void on_room() override { let_go(); }
  void on_timer() override;

  void take(bool is_within_limit);
  void hold_if_full();
  void let_go();
  void stop_holding();

  void on_post_end(const HttpEnd& end);
  void on_unanswered();
  bool try_resume();
  void resume();
  void lose(Error why);
  Recovery recovery_for(const protocol::json::Envelope& error);
  bool is_open() const noexcept { return pending_.is_in_flight(); }

  HttpPeer& peer_;
  Owner& owner_;
  Message message_;
  RpcPending pending_;
  ResponseReader reader_;
  std::unique_ptr<HttpExchange> exchange_;
  HttpHead head_;
  std::string session_used_;
  std::string resumed_from_;  ///< The event id of the last attempt to resume.
  std::string_view fault_;
  int fruitless_resumes_ = 0;
  std::size_t tail_bytes_ = 0;
  bool is_hold_over_ = false;        ///< While what was held for long enough is told.
  std::optional<HttpEnd> held_end_;  ///< Of a stream that ended while it was held.
  Phase phase_ = Phase::kIdle;
  Recovery recovery_ = Recovery::kNone;
  bool has_recovered_ = false;
};

}  // namespace mcpwire::io::detail
