// SPDX-License-Identifier: MIT
//
// StdioTransport: McpTransport to a server that is a child process speaking JSON-RPC lines on its
// standard input and output (MCP revisions 2024-11-05 to 2025-11-25).
//
// The sent/not-sent line: a request is executable once its last JSON byte was accepted by the
// kernel. A write that breaks off before that ends as kNotSent, everything later as kUnknown; a
// write of which nothing is known when the connection ends counts as sent.
//
// The end of a connection: the server's exit, the end of its output and a failed write arrive in
// any order. The first of them stops sending; the rest is awaited for at most drain_ns (a
// grandchild may hold the pipes open for ever), so that the last answers still count and the error
// can name exit code and last words. What breaks the protocol ends the connection at once.
//
// Threading: the loop's thread.
// Invariants: outlives its requests (checked); after the destructor no process of the group is
// left.
#pragma once

#include "io/detail/child_stderr_tail.hpp"
#include "io/detail/rpc_session.hpp"
#include "io/line_framer.hpp"
#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "io/stop_ladder.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io {

struct StdioTransportOptions {
  SpawnRequest server;
  std::size_t line_bytes_max = kLineBytesMaxDefault;
  /// Lines waiting for a server that does not read; beyond it requests are kRejected.
  std::size_t queue_bytes_max = std::size_t{4} << 20;
  /// Lines on stdout that are no JSON-RPC message; beyond it the connection ends.
  std::uint64_t junk_lines_max = 1000;
  /// How many of them the MessageObserver is shown.
  std::uint64_t junk_lines_shown = 10;
  std::uint64_t drain_ns = 300 * kNanosecondsPerMillisecond;
  StopTimes stop_times;
};

class StdioTransport final : public McpTransport,
                             private detail::RpcSession::Owner,
                             private LineFramer::Sink,
                             private ByteReader::Sink,
                             private ChildProcess::ExitObserver,
                             private Timer {
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

  bool is_open() const noexcept override { return state_ == State::kOpen; }
  void observe_close(CloseObserver& observer) override { close_observer_ = &observer; }
  void observe_messages(MessageObserver& observer) override { message_observer_ = &observer; }
  const ServerInfo& server_info() const noexcept override { return server_info_; }
  std::int32_t process_id() const noexcept override;
  std::string stderr_tail() const override { return stderr_.tail.text(); }
  const TransportCounters& counters() const noexcept override;

 private:
  enum class State : std::uint8_t { kNew, kOpening, kOpen, kEnding, kEnded };

  struct StderrSink final : ByteReader::Sink {
    explicit StderrSink(StdioTransport& transport) noexcept : owner(transport) {}
    void on_bytes(ByteSpan bytes) override { tail.append(bytes); }
    void on_read_end(const Error& why) override;
    StdioTransport& owner;
    detail::ChildStderrTail tail;
    bool has_ended = false;
  };

  struct ExitWaiter : ListNode {
    explicit ExitWaiter(EventLoop& loop) noexcept : shot(loop) {}
    OneShot<void> shot;
  };

  Result<void> start_process();
  task<Result<void>> shake_hands(CancelScope& scope, std::uint64_t deadline_ns);
  Error handshake_error(const RpcReply& reply) const;
  task<void> wait_for_exit();

  void begin_ending();
  void end_if_complete();
  void end(const Error& why);
  void break_off(std::string why);
  Error exit_error() const;
  std::string with_last_words(std::string text) const;

  void on_line(std::string_view line) override;
  void on_large_line(std::string_view line, LargeLine memory) override;
  void on_oversize() override;
  void on_bytes(ByteSpan bytes) override;
  MutableByteSpan room() override { return framer_.room(); }
  void on_filled(std::size_t bytes) override { framer_.filled(bytes); }
  void on_read_end(const Error& why) override;
  void on_exit(ExitStatus status) override;
  void on_timer() override { end(exit_error()); }
  void on_write_failed(const Error& why) override;
  void on_writer_idle() override;
  void on_notification(std::string_view method, std::string_view params) override;
  void on_junk_line(std::string_view line) override;

  EventLoop& loop_;
  ProcessSpawner& spawner_;
  RpcCodec& codec_;
  StdioTransportOptions options_;
  CloseObserver* close_observer_ = nullptr;
  MessageObserver* message_observer_ = nullptr;
  State state_ = State::kNew;
  bool was_open_ = false;
  bool output_ended_ = false;
  std::optional<ExitStatus> exit_;
  ServerInfo server_info_;
  StderrSink stderr_;
  LineFramer framer_;
  IntrusiveList<ExitWaiter> exit_waiters_;
  // In this order: the child's streams outlive what uses them.
  std::unique_ptr<ChildProcess> child_;
  std::optional<detail::RpcSession> session_;
  std::optional<StopLadder> ladder_;
};

}  // namespace mcpwire::io
