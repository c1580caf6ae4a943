// SPDX-License-Identifier: MIT
//
// StdioTransport: McpTransport to a server that is a child process speaking JSON-RPC lines on its
// standard input and output, in any released revision of MCP. How a conversation begins is in
// io/mcp/negotiation.hpp, how a process ends in io/detail/stdio_connection.hpp.
//
// The sent/not-sent line: a request is executable once its last JSON byte was accepted by the
// kernel. A write that breaks off before that ends as kNotSent, everything later as kUnknown; a
// write of which nothing is known when the connection ends counts as sent.
//
// Threading: the loop's thread.
// Invariants: outlives its requests (checked); after the destructor no process of the group is
// left, whether of the one that serves or of one that was given up while opening.
#pragma once

#include "io/detail/stdio_connection.hpp"
#include "io/mcp/negotiation.hpp"
#include "io/mcp_transport.hpp"
#include "io/stdio_options.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::io {

class StdioTransport final : public McpTransport,
                             private detail::StdioConnection::Owner,
                             private NegotiationPeer {
 public:
  /// Everything referred to outlives the transport. Starts nothing.
  StdioTransport(EventLoop& loop, ProcessSpawner& spawner, RpcCodec& codec,
                 StdioTransportOptions options);
  ~StdioTransport() override;

  /// Called once. A server that does not complete the handshake is killed before this ends.
  task<Result<void>> open(CancelScope& scope, std::uint64_t deadline_ns) override;
  task<RpcReply> request(std::string_view method,  // outlives: awaited in the same expression
                         std::string_view params,  // outlives: awaited in the same expression
                         RequestOptions options) override;
  task<void> close() override;

  bool is_open() const noexcept override;
  void observe_close(CloseObserver& observer) override { close_observer_ = &observer; }
  void observe_messages(MessageObserver& observer) override { message_observer_ = &observer; }
  const ServerInfo& server_info() const noexcept override { return server_info_; }
  std::int32_t process_id() const noexcept override;
  std::string stderr_tail() const override;
  const TransportCounters& counters() const noexcept override;

 private:
  enum class State : std::uint8_t { kNew, kOpening, kOpen, kEnded };

  Result<void> start_process();
  task<Result<void>> agree(CancelScope& scope, std::uint64_t deadline_ns);
  task<void> give_up_process(Error why);

  task<RpcReply> ask(std::string method, std::string params, CancelScope& scope,
                     std::uint64_t deadline_ns) override;
  bool is_alive() const noexcept override;
  bool has_unread() const noexcept override;
  task<Result<void>> restart() override;
  std::string shown(std::string_view text) const override;
  std::string with_last_words(std::string text) const override;

  void on_notification(std::string_view method, std::string_view params) override;
  void on_junk_line(std::string_view line) override;
  void on_connection_ended(const Error& why) override;

  EventLoop& loop_;
  ProcessSpawner& spawner_;
  RpcCodec& codec_;
  StdioTransportOptions options_;
  CloseObserver* close_observer_ = nullptr;
  MessageObserver* message_observer_ = nullptr;
  State state_ = State::kNew;
  ServerInfo server_info_;
  std::unique_ptr<detail::StdioConnection> connection_;  ///< Null before open().
};

}  // namespace mcpwire::io
