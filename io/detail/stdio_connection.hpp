// SPDX-License-Identifier: MIT
//
// StdioConnection: one process of a server and the JSON-RPC lines on its pipes, from its start
// until nothing is left of it. Knows no handshake: StdioTransport may need more than one process to
// begin a conversation.
//
// The end: the server's exit, the end of its output and a failed write arrive in any order. The
// first of them stops sending; the rest is awaited for at most drain_ns (a grandchild may hold the
// pipes open for ever), so that the last answers still count and the error can name exit code and
// last words. What breaks the protocol ends the connection at once.
//
// Threading: the loop's thread.
// Invariants: outlives its requests (checked); after the destructor no process of the group is
// left; on_connection_ended() comes at most once.
#pragma once

#include "io/detail/child_stderr_tail.hpp"
#include "io/detail/rpc_session.hpp"
#include "io/line_framer.hpp"
#include "io/mcp_transport.hpp"
#include "io/one_shot.hpp"
#include "io/stdio_options.hpp"
#include "io/stop_ladder.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

class StdioConnection final : private RpcSession::Owner,
                              private LineFramer::Sink,
                              private ByteReader::Sink,
                              private ChildProcess::ExitObserver,
                              private Timer {
 public:
  class Owner {
   public:
    virtual void on_notification(std::string_view method, std::string_view params) = 0;
    /// Only the first few.
    virtual void on_junk_line(std::string_view line) = 0;
    /// It ended by itself or broke the protocol; `why` names exit code or signal and last words.
    virtual void on_connection_ended(const Error& why) = 0;

   protected:
    ~Owner() = default;
  };

  /// Starts the server. Everything given outlives the connection.
  static Result<std::unique_ptr<StdioConnection>> start(EventLoop& loop, ProcessSpawner& spawner,
                                                        RpcCodec& codec,
                                                        const StdioTransportOptions& options,
                                                        Owner& owner);
  ~StdioConnection();

  RpcSession& session() noexcept { return session_; }
  const RpcSession& session() const noexcept { return session_; }
  /// False from the first sign of the end on.
  bool is_alive() const noexcept { return state_ == State::kRunning; }

  /// The server has yet to read some of what was written, or some is still being written.
  bool has_unread() const noexcept {
    return session_.is_writing() || child_->standard_input().unread_bytes() > 0;
  }

  /// Ends it here and now for this reason, without telling the owner. Again: changes nothing.
  void end_quietly(const Error& why);
  /// The whole process group, at once.
  void kill_now() { ladder_.kill_now(); }
  /// Until the process has exited.
  task<void> wait_for_exit();

  std::int32_t process_id() const noexcept { return exit_.has_value() ? 0 : child_->process_id(); }
  std::string stderr_text() const { return stderr_.tail.text(); }
  Error exit_error() const;
  std::string with_last_words(std::string text) const;

 private:
  enum class State : std::uint8_t { kRunning, kEnding, kEnded };
  enum class TellOwner : std::uint8_t { kNo, kYes };

  struct StderrSink final : ByteReader::Sink {
    StderrSink(StdioConnection& connection, std::size_t bytes_max) noexcept
        : owner(connection), tail(bytes_max) {}
    void on_bytes(ByteSpan bytes) override { tail.append(bytes); }
    void on_read_end(const Error& why) override;
    StdioConnection& owner;
    ChildStderrTail tail;
    bool has_ended = false;
  };

  struct ExitWaiter : ListNode {
    explicit ExitWaiter(EventLoop& loop) noexcept : shot(loop) {}
    OneShot<void> shot;
  };

  StdioConnection(EventLoop& loop, RpcCodec& codec, const StdioTransportOptions& options,
                  Owner& owner, std::unique_ptr<ChildProcess> child);

  void begin_ending();
  void end_if_complete();
  void end(const Error& why, TellOwner tell);
  void break_off(std::string why);

  void on_line(std::string_view line) override;
  void on_large_line(std::string_view line, LargeLine memory) override;
  void on_oversize() override;
  void on_bytes(ByteSpan bytes) override { framer_.feed(bytes); }
  MutableByteSpan room() override { return framer_.room(); }
  void on_filled(std::size_t bytes) override { framer_.filled(bytes); }
  void on_read_end(const Error& why) override;
  void on_exit(ExitStatus status) override;
  void on_timer() override { end(exit_error(), TellOwner::kYes); }
  void on_write_failed(const Error& why) override;
  void on_writer_idle() override;
  void on_notification(std::string_view method, std::string_view params) override;
  void on_junk_line(std::string_view line) override;

  EventLoop& loop_;
  const StdioTransportOptions& options_;
  Owner& owner_;
  State state_ = State::kRunning;
  bool output_ended_ = false;
  std::optional<ExitStatus> exit_;
  StderrSink stderr_;
  LineFramer framer_;
  IntrusiveList<ExitWaiter> exit_waiters_;
  // In this order: the child's streams outlive what uses them.
  std::unique_ptr<ChildProcess> child_;
  RpcSession session_;
  StopLadder ladder_;
};

}  // namespace mcpwire::io::detail
