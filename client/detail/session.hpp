// SPDX-License-Identifier: MIT
//
// Session: the life of a connection over one daemon process after another. It owns the current
// link and the unfinished calls, and decides who is told what when a link is lost: a call that may
// have reached a server ends as `unknown`, everything else is sent again over the next link.
//
// Threading: one thread; all but the getters block.
#pragma once

#include "client/detail/call_table.hpp"
#include "client/detail/link.hpp"
#include "client/detail/liveness.hpp"
#include "client/types.hpp"
#include "protocol/base/result.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "ring/runtime_directory.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::client::detail {

class Session final : private Link::Sink {
 public:
  static Result<std::unique_ptr<Session>> connect(const ConnectOptions& options);

  /// Sends a request. `settle_ns`: when the client settles it alone. kQueueFull with all slots
  /// taken, kTimeout and kCancelled if the daemon took nothing of it.
  Result<std::uint64_t> start(protocol::Method method, std::string payload,
                              std::uint64_t settle_ns);

  std::optional<CallReply> wait(std::uint64_t correlation, std::uint64_t until_ns);
  void cancel(std::uint64_t correlation);
  /// Stops waiting for a call. What is true of it stays true.
  CallReply give_up(std::uint64_t correlation);

  /// start and wait for a request that is safe to repeat; the reply's payload.
  Result<std::string> round_trip(protocol::Method method, std::string payload,
                                 std::uint64_t until_ns);

  bool was_interrupted() const noexcept { return interrupted_; }
  const Agreement& agreement() const noexcept { return link_ ? link_->agreement() : agreement_; }
  const ConnectOptions& options() const noexcept { return options_; }
  std::uint64_t reconnects() const noexcept { return reconnects_; }
  void on_progress(std::function<void(std::uint64_t, std::string_view)> handler) {
    progress_ = std::move(handler);
  }
  void on_notification(std::function<void(const Notification&)> handler) {
    notification_ = std::move(handler);
  }
  void on_server_request(
      protocol::mcp::ClientAbilities abilities,
      std::function<std::optional<ServerAnswer>(const ServerQuestion&)> handler) {
    abilities_ = abilities;
    question_ = std::move(handler);
  }
  protocol::mcp::ClientAbilities abilities() const noexcept { return abilities_; }
  void answer_server(std::uint64_t correlation, std::uint64_t key, ServerAnswer answer);

 private:
  Session(ConnectOptions options, ring::RuntimeDirectory directory) noexcept
      : options_(std::move(options)),
        directory_(std::move(directory)),
        calls_(options_.auto_start),
        liveness_(options_.silence_ns_max, options_.sign_of_life_ns_max) {}

  void on_message(const protocol::FrameHeader& header, Body&& payload) override;
  void on_event(const protocol::FrameHeader& header, ByteSpan payload);
  void on_question(const ServerQuestion& question);
  void send_answers();
  Result<void> open_link(std::uint64_t deadline_ns);
  Result<void> submit(Call& call);
  bool never_left(const Result<void>& sent) const noexcept;
  void recover();
  void settle_lost_link();
  bool resend_unanswered();
  void fail_unanswered(const Error& why);
  void send_cancel(std::uint64_t correlation);
  CallReply settle_silent(Call& call);
  std::uint64_t look_again_ns(const Call& call);
  void check_on_daemon();
  void leave_silent_daemon();

  ConnectOptions options_;
  ring::RuntimeDirectory directory_;
  CallTable calls_;
  Liveness liveness_;
  std::unique_ptr<Link> link_;
  Agreement agreement_;
  std::string no_rings_because_;  ///< Once this process has none, it asks for none any more.
  std::function<void(std::uint64_t, std::string_view)> progress_;
  std::function<void(const Notification&)> notification_;
  std::function<std::optional<ServerAnswer>(const ServerQuestion&)> question_;
  protocol::mcp::ClientAbilities abilities_;
  std::vector<std::string> answers_;  ///< Of handlers, which must not send: encoded.
  std::uint64_t reconnects_ = 0;
  bool interrupted_ = false;
};

}  // namespace mcpwire::client::detail
