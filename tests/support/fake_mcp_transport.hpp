// SPDX-License-Identifier: MIT
//
// FakeMcpTransport: an MCP server of a test's making, for what stands above transports. Requests
// wait until the test answers them, or are answered by a handler; deadlines, cancellation and the
// send observer work as in a real transport.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::test_support {

class FakeMcpTransport final : public io::McpTransport {
 public:
  /// Answers a request at once, or leaves it waiting (nullopt).
  using Handler =
      std::function<std::optional<io::RpcReply>(std::string_view method, std::string_view params)>;

  explicit FakeMcpTransport(EventLoop& loop) noexcept : loop_(loop) {}
  ~FakeMcpTransport() override;

  io::task<Result<void>> open(io::CancelScope& scope, std::uint64_t deadline_ns) override;
  io::task<io::RpcReply> request(std::string_view method, std::string_view params,
                                 io::RequestOptions options) override;
  io::task<void> close() override;
  bool is_open() const noexcept override { return is_open_; }
  void observe_close(CloseObserver& observer) override { close_observer_ = &observer; }
  void observe_messages(MessageObserver& observer) override { message_observer_ = &observer; }
  const io::ServerInfo& server_info() const noexcept override { return info; }
  std::int32_t process_id() const noexcept override { return is_open_ ? pid : 0; }
  std::string stderr_tail() const override { return stderr_text; }
  const io::TransportCounters& counters() const noexcept override { return counted; }

  /// What the observers are told and the getters return.
  io::ServerInfo info{"fake", "1.0", "2025-11-25", "{}", ""};
  std::int32_t pid = 4242;
  std::string stderr_text;
  io::TransportCounters counted;
  Handler handler;

  /// open() ends with this, at once unless hold_open() was called.
  void set_open_result(Result<void> result) { open_result_ = std::move(result); }
  /// open() and close() wait until they are released (or cancelled, or late).
  void hold_open() noexcept { open_held_ = true; }
  void release_open();
  void hold_close() noexcept { close_held_ = true; }
  void release_close();

  /// Requests that wait for an answer, oldest first.
  std::size_t waiting() const noexcept { return waiting_.size(); }
  const std::string& waiting_method(std::size_t index) const;
  const std::string& waiting_params(std::size_t index) const;
  void answer(std::size_t index, io::RpcReply reply);
  void answer_ok(std::size_t index, std::string result_json);
  void answer_error(std::size_t index, std::string error_json);
  /// Progress for a waiting request: its inactivity starts anew and its sink is told.
  void progress(std::size_t index, std::string_view params);
  void notify(std::string_view method, std::string_view params);

  /// What a waiting request was sent with.
  std::string_view waiting_meta(std::size_t index) const;
  protocol::mcp::ClientAbilities waiting_abilities(std::size_t index) const;
  /// The server asks while that request waits. What comes of it is appended to `answers`:
  /// "result ...", "error ..." or "refused". False if its client takes no questions.
  bool ask(std::size_t index, std::string method, std::string params);
  std::vector<std::string> answers;

  /// The server dies: requests in flight become kUnknown, then the observer is told.
  void lose(const Error& why);

  std::size_t opens() const noexcept { return opens_; }
  std::size_t closes() const noexcept { return closes_; }
  /// Requests of this or any method that were handed to the server.
  std::size_t sent(std::string_view method = {}) const;

 private:
  struct Waiting;
  const Waiting& at(std::size_t index) const;
  void fail_all(const Error& why);

  EventLoop& loop_;
  CloseObserver* close_observer_ = nullptr;
  MessageObserver* message_observer_ = nullptr;
  Result<void> open_result_;
  io::OneShot<void>* open_gate_ = nullptr;
  io::OneShot<void>* close_gate_ = nullptr;
  std::list<Waiting*> waiting_;
  std::list<std::string> sent_methods_;
  std::size_t opens_ = 0;
  std::size_t closes_ = 0;
  bool is_open_ = false;
  bool open_held_ = false;
  bool close_held_ = false;
};

}  // namespace mcpwire::test_support
